import { cpus } from 'node:os';
import process from 'node:process';

/** The machine of a benchmark. */
export interface Machine {
  cpu: string;
  cores: number;
  platform: string;
  arch: string;
}

export const machine = (): Machine => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  platform: process.platform,
  arch: process.arch,
});
