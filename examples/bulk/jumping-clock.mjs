// Loaded first into workers that `npm run load -- --skew SECONDS` starts: their date is another each second, as far ahead or behind.
import process from 'node:process';

const most = 1000 * Number(process.env.SKEW);
const { Date: RealDate } = globalThis;
const start = Math.random();

/** Milliseconds that the date is ahead now. */
function ahead() {
  const phase = start + Math.floor(performance.now() / 1000) * 0.618;
  return Math.round((2 * (phase % 1) - 1) * most);
}

globalThis.Date = class Date extends RealDate {
  constructor(...given) {
    if (given.length > 0) super(...given);
    else super(RealDate.now() + ahead());
  }
  static now() {
    return RealDate.now() + ahead();
  }
};
