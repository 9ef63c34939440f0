import type { Constant } from './program.ts';

/** What a record field holds. Pointers are addresses in linear memory once the program is loaded. */
export type FieldKind = 'read' | 'write' | 'u32' | 'i32' | 'f32';

/** What a kernel's extents may ask about the constant that a pointer of kind `read` names. */
export interface Table {
  /** The constant as saved. */
  readonly constant: Constant;
  /** The largest unsigned 32-bit integer that the kernel can read from it as an index or a byte offset. */
  readonly largest: number;
}

/** Names of the pointers among a record's fields, and of the numbers. */
type Pointers<F> = { [K in keyof F]: F[K] extends 'read' | 'write' ? K : never }[keyof F];
type Numbers<F> = Exclude<keyof F, Pointers<F>>;

/**
 * A way to divide a kernel's work: parts are runs of units that one field of the record counts, each a record of its own,
 * and no part writes where another reads or writes what counts. What is computed for an element does not hang on its part.
 */
export interface SplitAxis<Numbers extends string = string, Pointers extends string = string> {
  /** The field that says how many units a record has. */
  readonly field: Numbers;
  /** Units in all, where that is not the field's value, and what other fields are in every part. */
  readonly units?: number;
  readonly set?: Readonly<Partial<Record<Numbers, number>>>;
  /** Parts start at multiples of so many units; 1 if not given. */
  readonly multiple?: number;
  /**
   * Bytes by which each pointer moves a unit. `groups`: past the rows of an `spmm` or `quantised` constant, which the units are; `own`:
   * it is scratch, and each part has its own.
   */
  readonly moves: Readonly<Record<Pointers, number | 'groups' | 'own'>>;
}

/** A row of the kernel registry; see kernels.ts. */
export interface Kernel<F extends Record<string, FieldKind> = Record<string, FieldKind>> {
  /** Folder under assembly/ whose index.ts exports the kernel by its name. */
  readonly family: string;
  /** Name of the AssemblyScript class that lays out the fields; kernels with the same fields share one. */
  readonly record: string;
  readonly fields: F;
  /** True when the runtime alone calls the kernel: no program may hold it. */
  readonly standalone?: boolean;
  /**
   * Bytes that the kernel may touch from each pointer on, at most, over-reads and spills included. The numbers may be
   * hostile: u32 fields are any integer 0…2³²−1, and a result that is not a finite number fails the check.
   * `table(field)` gives the constant a read pointer names, for indices that are data; it throws when it names none.
   * Throws an Error when a number is outside what the kernel accepts (an unknown code, a zero divisor).
   */
  extents(
    n: { readonly [K in keyof F as F[K] extends 'read' | 'write' ? never : K]: number },
    table: (field: string) => Table,
  ): { readonly [K in keyof F as F[K] extends 'read' | 'write' ? K : never]: number };
  /**
   * Multiply-accumulates, or elements moved where nothing is multiplied, that a record makes the kernel do: at most, but for
   * a small factor, for numbers that `extents` accepts.
   */
  work(
    n: { readonly [K in keyof F as F[K] extends 'read' | 'write' ? never : K]: number },
    table: (field: string) => Table,
  ): number;
  /**
   * Ways to divide the work among threads, for numbers that `extents` accepts; none where parts would get into each
   * other's way. Kernels without it run on one thread.
   */
  axes?: (n: { readonly [K in keyof F as F[K] extends 'read' | 'write' ? never : K]: number }) => readonly SplitAxis<
    Numbers<F> & string,
    Pointers<F> & string
  >[];
}

/**
 * The constant of that form that a read pointer names.
 * @throws Error when it names another: what the kernel would take for indices, nobody has bounded.
 */
export function constantOf<F extends Constant['form']>(
  table: (field: string) => Table,
  field: string,
  form: F,
): { constant: Extract<Constant, { form: F }>; largest: number } {
  const { constant, largest } = table(field);
  if (constant.form !== form) throw new Error(`${field} must be ${form}, got ${constant.form}`);
  return { constant: constant as Extract<Constant, { form: F }>, largest };
}

/**
 * Bounds the work of a hostile record by the memory that it names: axes whose elements lie apart hold no more elements
 * than their extent has floats.
 * @throws Error when `elements` floats do not fit in `bytes`.
 */
export function checkApart(field: string, elements: number, bytes: number): void {
  if (!(4 * elements <= bytes)) throw new Error(`the axes of ${field} overlap`);
}

/** Types a registry row by its own fields. */
export function kernel<const F extends Record<string, FieldKind>>(row: Kernel<F>): Kernel<F> {
  return row;
}
