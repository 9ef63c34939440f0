/** A network's inference times so far, in milliseconds. */
export interface Run {
  name: string;
  times: number[];
}

/** Of the last runs only: the first ones are slower, in code that the engine has yet to optimise. */
const median = (times: number[]) => {
  const sorted = times.slice(-25).sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
};

/** A bar for each network, and what their ratio says. */
export function showRuns(place: HTMLElement, verdict: HTMLElement, runs: Run[]): void {
  const medians = runs.map(({ times }) => median(times));
  const slowest = Math.max(...medians);
  place.replaceChildren(
    ...runs.map(({ name }, i) => {
      const row = document.createElement('div');
      row.className = `run ${i === 0 ? 'sparse' : 'dense'}`;
      const label = Object.assign(document.createElement('span'), { className: 'name', textContent: name });
      const bar = Object.assign(document.createElement('span'), { className: 'bar' });
      bar.style.setProperty('--share', String(medians[i] / slowest));
      const text = `${medians[i].toFixed(1)} ms · ${Math.round(1000 / medians[i])} a second`;
      const value = Object.assign(document.createElement('span'), { className: 'value', textContent: text });
      row.append(label, bar, value);
      return row;
    }),
  );
  verdict.textContent =
    medians.length === 2
      ? `Skipping the zeros makes the same network, with the same answers, ${(medians[1] / medians[0]).toFixed(1)} × as fast.`
      : '';
}
