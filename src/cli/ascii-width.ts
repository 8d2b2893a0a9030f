/** Stands in for yargs' `string-width` when the program is bundled: our help is ASCII, and asking ICU costs 30 ms. */
// biome-ignore lint/style/noDefaultExport: it is imported as one.
export default function asciiWidth(text: string): number {
  return text.length;
}
