// Pages and their workers. Takes the place of vision/start-worker.ts.
export { startWebWorker as startWorker } from '../vision/start-web-worker.ts';
