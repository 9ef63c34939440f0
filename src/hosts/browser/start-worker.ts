// `#start-worker` for pages and their workers.
export { startWebWorker as startWorker } from '../../vision/start-web-worker.ts';
