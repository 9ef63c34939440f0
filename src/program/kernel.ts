import type { Constant } from './program.ts';

/** The kinds of record fields. Pointers are addresses in linear memory once the program is loaded. */
export type FieldKind = 'read' | 'write' | 'u32' | 'i32' | 'f32';

/** What a kernel's extents may know about the constant that a pointer of kind `read` names. */
export interface Table {
  /** The constant as saved. */
  readonly constant: Constant;
  /** The largest unsigned 32-bit integer that the kernel can read from it as an index or a byte offset. */
  readonly largest: number;
}

/** Names of a record's pointer fields, and of its number fields. */
type Pointers<F> = { [K in keyof F]: F[K] extends 'read' | 'write' ? K : never }[keyof F];
type Numbers<F> = Exclude<keyof F, Pointers<F>>;

/**
 * An axis that divides a kernel's work into parts. A part is a run of the units that one field counts, with a record of
 * its own. No part writes where another reads or writes values that matter. An element's result does not depend on its
 * part.
 */
export interface SplitAxis<Numbers extends string = string, Pointers extends string = string> {
  /** The field that holds a record's number of units. */
  readonly field: Numbers;
  /** The field, 0 in the whole record, that holds the number of units before a part. */
  readonly start?: Numbers;
  /** The total number of units where it is not the field's value, and values that other fields have in every part. */
  readonly units?: number;
  readonly set?: Readonly<Partial<Record<Numbers, number>>>;
  /** Parts start at multiples of this number of units; default 1. */
  readonly multiple?: number;
  /**
   * Bytes that each pointer moves per unit. `groups`: it moves past the rows of an `spmm`, `blocks` or `quantised`
   * constant,
   * which are the units. `own`: it is scratch memory, and each part has its own.
   */
  readonly moves: Readonly<Record<Pointers, number | 'groups' | 'own'>>;
}

/** A row of the kernel registry; see kernels.ts. */
export interface Kernel<F extends Record<string, FieldKind> = Record<string, FieldKind>> {
  /** The folder under assembly/ whose index.ts exports the kernel by its name. */
  readonly family: string;
  /** Name of the AssemblyScript class that lays out the fields; kernels with the same fields share one. */
  readonly record: string;
  readonly fields: F;
  /** True for kernels that only the runtime calls: programs cannot contain them. */
  readonly standalone?: boolean;
  /**
   * Upper bound of the bytes that the kernel touches from each pointer on, including over-reads and spills. The numbers
   * may be hostile: u32 fields are any integer 0…2³²−1, and a result that is not a finite number fails the check.
   * `table(field)` gives the constant that a read pointer names, for indices that are data; it throws when the pointer
   * names none. Throws an Error when a number is outside what the kernel accepts (an unknown code, a zero divisor).
   */
  extents(
    n: { readonly [K in keyof F as F[K] extends 'read' | 'write' ? never : K]: number },
    table: (field: string) => Table,
  ): { readonly [K in keyof F as F[K] extends 'read' | 'write' ? K : never]: number };
  /**
   * Upper bound, up to a small factor, of a record's multiply-accumulates, or of elements moved where nothing is
   * multiplied, for numbers that `extents` accepts.
   */
  work(
    n: { readonly [K in keyof F as F[K] extends 'read' | 'write' ? never : K]: number },
    table: (field: string) => Table,
  ): number;
  /**
   * The axes that can divide the work among threads, for numbers that `extents` accepts; none where parts would
   * interfere. Kernels without `axes` run on one thread.
   */
  axes?: (n: { readonly [K in keyof F as F[K] extends 'read' | 'write' ? never : K]: number }) => readonly SplitAxis<
    Numbers<F> & string,
    Pointers<F> & string
  >[];
}

/**
 * The constant that a read pointer names, which must have the given form.
 * @throws Error for another form: its values have not been checked as indices.
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
 * Bounds the work of a hostile record by its memory: axes whose elements do not overlap hold no more elements than
 * their extent has floats.
 * @throws Error when `elements` floats do not fit in `bytes`.
 */
export function checkApart(field: string, elements: number, bytes: number): void {
  if (!(4 * elements <= bytes)) throw new Error(`the axes of ${field} overlap`);
}

/** Infers a registry row's type from its own fields. */
export function kernel<const F extends Record<string, FieldKind>>(row: Kernel<F>): Kernel<F> {
  return row;
}
