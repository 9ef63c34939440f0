// Runs a program on several threads that share one memory. Each thread has its own list: its shares of the steps, and
// barriers.
//
//   kernel u32 | bytes u32 | fields …     a record, as in every program
//   2³² − 1    | 8         |              a barrier: no thread goes on before all have reached it
//
// Shared words, each group in its own cache line; bytes from `sync`:
//
//   0 arrived      64 epoch, failed      128 sleepers      192 command, patience
//
// A waiting thread polls the word for a while, then sleeps. It polls for longer than sleep and wake cost: schedulers,
// especially those of virtual machines, wake a thread on the core of the thread that wakes it, and leave both there.
import { dispatch } from './generated/dispatch';

const barrierRecord: u32 = 0xffffffff;

/**
 * Polls before sleep, at most about a millisecond. When other programs need the cores, a polling thread keeps the one
 * it waits for from running: each time it polls in vain, it polls an eighth as long, down to a few microseconds.
 */
const maxLooks: i32 = 3000000;
const fewestLooks: i32 = 5000;
let looks: i32 = maxLooks;

/**
 * A thread that sees no progress in this many naps of `patience` ms gives the others up: one was ended in the middle of
 * a run.
 */
const naps: i32 = 6;

/** Why a run failed: a thread was given up, or stopped by itself. */
const gaveUp: u32 = 1;
const stopped: u32 = 2;

/** Waits for all threads. Returns false when the run has failed. */
function barrier(sync: usize, parts: u32): bool {
  const epoch = atomic.load<i32>(sync, 64);
  if (atomic.add<u32>(sync, 1) == parts - 1) {
    atomic.store<u32>(sync, 0);
    atomic.add<i32>(sync, 1, 64);
    if (atomic.load<u32>(sync, 128) != 0) atomic.notify(sync + 64, -1);
    return atomic.load<u32>(sync, 68) == 0;
  }
  for (let i = looks; i != 0; i--) {
    if (atomic.load<i32>(sync, 64) == epoch) continue;
    looks = min(looks + (looks >> 5) + 1, maxLooks);
    return atomic.load<u32>(sync, 68) == 0;
  }
  looks = max(looks >> 3, fewestLooks);
  atomic.add<u32>(sync, 1, 128);
  const patience = <i64>load<i32>(sync, 196) * 1_000_000;
  for (let i = naps; atomic.load<i32>(sync, 64) == epoch; ) {
    if (memory.atomic.wait32(sync + 64, epoch, patience) == 2 && --i == 0) fail(sync, gaveUp);
  }
  atomic.sub<u32>(sync, 1, 128);
  return atomic.load<u32>(sync, 68) == 0;
}

/** Runs one thread's list. Returns false when the run has failed. */
export function run_part(sync: usize, list: usize, end: usize, parts: u32): bool {
  while (list < end) {
    if (load<u32>(list) == barrierRecord) {
      if (!barrier(sync, parts)) return false;
    } else dispatch(list);
    list += load<u32>(list, 4);
  }
  return true;
}

/** Called for a thread that stops in the middle of its list. */
export function fail_run(sync: usize): void {
  fail(sync, stopped);
}

/** Releases every thread from its barrier, now and later. */
function fail(sync: usize, why: u32): void {
  atomic.store<u32>(sync, why, 68);
  atomic.add<i32>(sync, 1, 64);
  atomic.notify(sync + 64, -1);
}

/** Starts run `command`, 1 or more, on all waiting threads; −1 ends them. */
export function give_command(sync: usize, command: i32): void {
  atomic.store<i32>(sync, command, 192);
  atomic.notify(sync + 192, -1);
}

/** Waits for the next command after `last` and returns it. */
export function await_command(sync: usize, last: i32): i32 {
  for (let i = looks; i != 0; i--) {
    if (atomic.load<i32>(sync, 192) != last) break;
  }
  while (atomic.load<i32>(sync, 192) == last) memory.atomic.wait32(sync + 192, last, -1);
  return atomic.load<i32>(sync, 192);
}
