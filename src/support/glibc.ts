/** The C library of this machine. */

/** The version of glibc; `undefined` where the C library is another. */
export function glibcVersion(): string | undefined {
  // Without this the report looks up the name of every open connection.
  Object.assign(process.report, { excludeNetwork: true });
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime;
}
