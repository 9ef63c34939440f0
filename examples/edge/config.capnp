# workerd serve config.capnp, after npm run build
using Workerd = import "/workerd/workerd.capnp";
using Built = import "dist/modules.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:8080", http = (), service = "main")],
);

const main :Workerd.Worker = (
  modules = .Built.modules,
  compatibilityDate = "2026-11-01",
);
