import type { ContactView } from '../../src/contract/events.js';
import { api, ask } from '../api/index.js';

let names: Promise<ReadonlyMap<string, string>> | undefined;

/** Names of regions and provinces by their codes, loaded once. */
async function load(): Promise<ReadonlyMap<string, string>> {
  const [regions, provinces] = await Promise.all([ask(api.GET('/api/regions')), ask(api.GET('/api/provinces'))]);
  return new Map([...regions.items, ...provinces.items].map(({ code, name }) => [code, name]));
}

/** The name of a region or province by its code; the code itself while it is not known. */
export async function placeNames(): Promise<(code: string) => string> {
  names ??= load();
  const known = await names.catch(() => (names = undefined));
  return (code) => known?.get(code) ?? code;
}

/** Name of a region or province; what stands for it where it has no known name. */
export async function placeName(code: string): Promise<string> {
  return (await placeNames())(code);
}

/** Place of a contact: "Ravenna, Emilia-Romagna". */
export async function placeOf({ province, region }: Pick<ContactView, 'province' | 'region'>): Promise<string> {
  const codes = [province, region].filter((code): code is string => code !== null);
  if (codes.length === 0) return '';
  return [...new Set(codes.map(await placeNames()))].join(', ');
}
