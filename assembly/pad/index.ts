import { PadRecord } from '../generated/records';

export function f32_pad(r: PadRecord): void {
  unreachable();
}
