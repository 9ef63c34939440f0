// Loaded first into the processes that look at photos: they end with their worker, whose job is another's then. BullMQ's own code would
// try to tell a worker that is gone, for ever.
import process from 'node:process';

process.on('disconnect', () => process.exit());
if (!process.connected) process.exit();
