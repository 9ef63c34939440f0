/** workerd gives a module of type data as its bytes. */
declare module '*.filigree' {
  const bytes: ArrayBuffer;
  export default bytes;
}
