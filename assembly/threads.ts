// Runs a program on several threads that share one memory. Each has a list of its own: its shares of the steps, and barriers.
//
//   kernel u32 | bytes u32 | fields …     a record, as everywhere
//   2³² − 1    | 8         |              a barrier: no thread goes on before all have come to it
//
// What they share, each group of words in a cache line of its own; bytes from `sync`:
//
//   0 arrived      64 epoch, failed      128 sleepers      192 command, patience
//
// A thread that waits looks at the word for a while, then sleeps. It looks for longer than sleep and wake cost: schedulers,
// those of virtual machines most of all, wake a thread on the core of the one that wakes it, and leave both there.
import { dispatch } from './generated/dispatch';

const barrierRecord: u32 = 0xffffffff;

/**
 * Looks before sleep, at most about a millisecond. Where other programs want the cores too, a thread that looks keeps the one
 * it waits for from running: each time in vain it looks an eighth as long, down to some microseconds.
 */
const maxLooks: i32 = 3000000;
const fewestLooks: i32 = 5000;
let looks: i32 = maxLooks;

/** A thread that hears nothing in so many naps of `patience` ms gives the others up: one was ended in the middle of a run. */
const naps: i32 = 6;

/** Why a run has failed: a thread was given up, or stopped by itself. */
const gaveUp: u32 = 1;
const stopped: u32 = 2;

/** Returns false when the run has failed. */
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

/** For a thread that stops in the middle of its list. */
export function fail_run(sync: usize): void {
  fail(sync, stopped);
}

/** Lets every thread out of its barrier, now and from now on. */
function fail(sync: usize, why: u32): void {
  atomic.store<u32>(sync, why, 68);
  atomic.add<i32>(sync, 1, 64);
  atomic.notify(sync + 64, -1);
}

/** Starts run `command`, 1 or more, on all threads that await it; −1 ends them. */
export function give_command(sync: usize, command: i32): void {
  atomic.store<i32>(sync, command, 192);
  atomic.notify(sync + 192, -1);
}

/** The next command after `last`. */
export function await_command(sync: usize, last: i32): i32 {
  for (let i = looks; i != 0; i--) {
    if (atomic.load<i32>(sync, 192) != last) break;
  }
  while (atomic.load<i32>(sync, 192) == last) memory.atomic.wait32(sync + 192, last, -1);
  return atomic.load<i32>(sync, 192);
}
