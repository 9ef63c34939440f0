import { dispatch } from './generated/dispatch';

/** Runs `count` contiguous kernel records. */
export function run(record: usize, count: u32): void {
  for (; count != 0; count--) {
    dispatch(record);
    record += load<u32>(record, 4);
  }
}
