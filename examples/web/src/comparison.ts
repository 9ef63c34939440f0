// One or two networks side by side: what each finds in the same picture, how fast it is, and which is faster.
import { drawDetections } from 'filigree';
import { make } from './element.ts';
import type { Found } from './look.ts';
import { summary } from './plural.ts';
import { isMeasured, lowerQuartile, verdict } from './verdict.ts';

interface Side {
  canvas: HTMLCanvasElement;
  found: HTMLElement;
  rate: HTMLElement;
  bar: HTMLElement;
  times: number[];
}

export class Comparison {
  private sides: Side[] = [];
  private names: readonly string[] = [];
  private readonly place: HTMLElement;
  private readonly verdict = make('p', { className: 'verdict' });

  constructor(place: HTMLElement) {
    this.place = place;
  }

  /** Starts anew. @param names what each network does, or is */
  reset(names: readonly string[]): void {
    this.names = names;
    this.sides = names.map(() => ({
      canvas: make('canvas', { role: 'img', ariaLabel: 'No picture yet' }),
      found: make('p', { className: 'count' }),
      rate: make('span', { className: 'value' }),
      bar: make('span', { className: 'bar' }),
      times: [],
    }));
    // both find the same in most pictures: one says so aloud
    this.sides[0].found.role = 'status';
    this.verdict.textContent = '';
    const figures = this.sides.map(({ canvas, found, rate, bar }, i) => {
      const caption = make('figcaption', {}, make('strong', { textContent: names[i] }), rate, bar);
      const figure = make('figure', {}, make('div', { className: 'picture' }, canvas, found), caption);
      figure.className = i === 0 ? 'side first' : 'side second';
      return figure;
    });
    this.place.replaceChildren(
      ...(names.length > 1 ? [this.verdict] : []),
      make('div', { className: `sides of-${names.length}` }, ...figures),
    );
  }

  /** What was found in a picture, by each network. */
  show(picture: ImageBitmap, found: readonly Found[]): void {
    this.sides.forEach((side, i) => {
      const { detections, classes, ms } = found[i];
      side.times.push(ms);
      const { canvas } = side;
      if (canvas.width !== picture.width) canvas.width = picture.width;
      if (canvas.height !== picture.height) canvas.height = picture.height;
      const context = canvas.getContext('2d')!;
      context.drawImage(picture, 0, 0);
      const named = detections.map(({ id, ...each }) => (id ? { ...each, label: `${each.label} ${id}` } : each));
      drawDetections(context, named);
      const text =
        classes.length > 0
          ? classes.map(({ label, score }) => `${label} ${Math.round(100 * score)} %`).join(', ')
          : summary(detections.map(({ label }) => label));
      if (side.found.textContent !== text) side.found.textContent = text;
      canvas.ariaLabel = `${this.names[i]}: ${text}`;
    });
    const quartiles = this.sides.map(({ times }) => lowerQuartile(times));
    this.sides.forEach(({ rate, bar }, i) => {
      const ms = quartiles[i];
      rate.textContent = `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms, ${Math.round(1000 / ms)} a second`;
      bar.style.setProperty('--share', String(ms / Math.max(...quartiles)));
    });
    if (this.sides.length > 1) this.say(verdict(this.times, this.names));
  }

  /** Shows the verdict; how many times as fast in large letters. */
  private say(text: string): void {
    const [before, times, after] = text.split(/(\d[\d.]* ×)/);
    this.verdict.classList.toggle('measuring', text.startsWith('Measuring'));
    this.verdict.replaceChildren(before, ...(times ? [make('strong', { textContent: times }), after] : []));
  }

  get times(): number[][] {
    return this.sides.map(({ times }) => times);
  }

  /** Whether there are enough runs to say which is faster. */
  get isMeasured(): boolean {
    return this.sides.length > 0 && isMeasured(this.times);
  }
}
