/** Saves a file of the service. The page stays where it is, also when the file cannot be had. */
export function download(address: string): void {
  const link = document.createElement('a');
  link.href = address;
  link.download = '';
  link.click();
}
