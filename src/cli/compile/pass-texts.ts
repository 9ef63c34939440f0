// `compile --dump-passes`: the graph as text, as imported and after each pass that changed it.
import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory, writeOutput } from '../../files/write.ts';
import type { Graph } from '../../graph/graph.ts';
import { printGraph } from '../../graph/print.ts';

/** File names: `000-imported.txt`, `001-foldConstants.txt`, … */
const ownName = /^\d{3,}-[A-Za-z]+\.txt$/;

export class PassTexts {
  readonly #texts: { name: string; text: string }[] = [];

  /** @param graph the imported graph */
  constructor(graph: Graph) {
    this.add('imported', graph);
  }

  /** Stores the graph's current text. */
  add(pass: string, graph: Graph): void {
    const number = String(this.#texts.length).padStart(3, '0');
    this.#texts.push({ name: `${number}-${pass}.txt`, text: printGraph(graph) });
  }

  /**
   * Writes one file per text into a directory, which is created if missing. Files of an earlier dump are removed.
   * @returns the files' names
   */
  async write(directory: string): Promise<string[]> {
    await makeDirectory(directory);
    for (const name of await readdir(directory)) if (ownName.test(name)) await unlink(join(directory, name));
    for (const { name, text } of this.#texts) await writeOutput(join(directory, name), new TextEncoder().encode(text));
    return this.#texts.map(({ name }) => name);
  }
}
