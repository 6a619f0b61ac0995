import type { ContactView } from '../../src/contract/events.js';
import { api, ask } from '../api/index.js';

let names: Promise<ReadonlyMap<string, string>> | undefined;

/** Names of regions and provinces by their codes, loaded once. */
async function load(): Promise<ReadonlyMap<string, string>> {
  const [regions, provinces] = await Promise.all([ask(api.GET('/api/regions')), ask(api.GET('/api/provinces'))]);
  return new Map([...regions.items, ...provinces.items].map(({ code, name }) => [code, name]));
}

/** Name of a region or province; what stands for it where it has no known name. */
export async function placeName(code: string): Promise<string> {
  names ??= load();
  try {
    return (await names).get(code) ?? code;
  } catch {
    names = undefined;
    return code;
  }
}

/** Place of a contact: "Ravenna, Emilia-Romagna". */
export async function placeOf({ province, region }: Pick<ContactView, 'province' | 'region'>): Promise<string> {
  const codes = [province, region].filter((code): code is string => code !== null);
  if (codes.length === 0) return '';
  names ??= load();
  try {
    const known = await names;
    return [...new Set(codes.map((code) => known.get(code) ?? code))].join(', ');
  } catch {
    names = undefined;
    return codes.join(', ');
  }
}
