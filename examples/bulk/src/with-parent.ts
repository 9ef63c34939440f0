// Loaded first into the processes that look at photos: they end with their worker, whose job is another's then. BullMQ 6.7 alone tells a
// worker that is gone of its error, which fails, tells it of that error, and so on for ever, in front of the event 'disconnect'.
import process from 'node:process';

process.on('disconnect', () => process.exit());
process.on('uncaughtException', ({ code }: NodeJS.ErrnoException) => {
  if (code === 'EPIPE' || code === 'ERR_IPC_CHANNEL_CLOSED') process.exit();
});
if (!process.connected) process.exit();
