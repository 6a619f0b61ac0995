import { describe, expect, test } from '@jest/globals';
import { italianProvinces } from '../subscribers/postal-address.js';
import { italianProvinceCode, italianRegionName, italianRegions } from './italy.js';

describe('the regions and provinces of Italy', () => {
  test('consist of 20 regions, with every province in one of them', () => {
    expect(italianRegions).toHaveLength(20);
    expect(new Set(italianRegions.map(({ code }) => code)).size).toBe(20);
    const placed = italianRegions.flatMap(({ provinces }) => provinces);
    expect([...placed].sort()).toEqual(Object.keys(italianProvinces).sort());
  });

  test('have as many provinces as ISTAT lists', () => {
    // Without SU, which four of Sardinia's stand for.
    const counts = italianRegions.map(({ name, provinces }) => [
      name,
      provinces.filter((code) => code !== 'SU').length,
    ]);
    expect(Object.fromEntries(counts)).toEqual({
      Abruzzo: 4,
      Basilicata: 2,
      Calabria: 5,
      Campania: 5,
      'Emilia-Romagna': 9,
      'Friuli-Venezia Giulia': 4,
      Lazio: 5,
      Liguria: 4,
      Lombardia: 12,
      Marche: 5,
      Molise: 2,
      Piemonte: 8,
      Puglia: 6,
      Sardegna: 8,
      Sicilia: 9,
      Toscana: 10,
      'Trentino-Alto Adige': 2,
      Umbria: 2,
      'Valle d’Aosta': 1,
      Veneto: 7,
    });
  });

  test.each([
    ['rm', 'RM'],
    ['Modena', 'MO'],
    [' modena ', 'MO'],
    ['(MO)', 'MO'],
    ['Modena (MO)', 'MO'],
    ['MO - Modena', 'MO'],
    ['Prov. di Modena', 'MO'],
    ['Provincia di Modena', 'MO'],
    ['Città metropolitana di Bologna', 'BO'],
    ['IT-BO', 'BO'],
    ["L'Aquila", 'AQ'],
    ['Forli Cesena', 'FC'],
    ["Reggio nell'Emilia", 'RE'],
    ['Reggio Calabria', 'RC'],
    ['Monza e Brianza', 'MB'],
    ['Na', 'NA'],
    ['Rimini - RN', 'RN'],
    ['Rimini (RN), Italia', 'RN'],
    ['Provincia di Rimini (RN)', 'RN'],
    ['Roma Capitale', 'RM'],
    ['Città metropolitana di Roma Capitale', 'RM'],
    ['laquila', 'AQ'],
    ["Provincia dell'Aquila", 'AQ'],
    ['forlicesena', 'FC'],
    ['Reggioemilia', 'RE'],
    ['bozen', 'BZ'],
    ['Bozen/Bolzano', 'BZ'],
    ['Prov. Aut. di Trento', 'TN'],
    ['Libero consorzio comunale di Enna', 'EN'],
    ['Monza-Brianza', 'MB'],
    ['BAT', 'BT'],
    ['PS', 'PU'],
  ])('%p is the province %s', (text, code) => {
    expect(italianProvinceCode(text)).toBe(code);
  });

  test.each(['Steiermark', 'Modena (BO)', 'MO BO', '07', '', 'Provincia', 'n/a', 'N.A.', 'Rimini (FC)', 'Tirol', 'it'])(
    '%p is no province',
    (text) => {
      expect(italianProvinceCode(text)).toBeUndefined();
    },
  );

  test.each([
    ['emilia romagna', 'Emilia-Romagna'],
    ['EMILIA-ROMAGNA', 'Emilia-Romagna'],
    ['Regione Lombardia', 'Lombardia'],
    ["valle d'aosta", 'Valle d’Aosta'],
    ['Tuscany', 'Toscana'],
    ['IT-45', 'Emilia-Romagna'],
    ['Emilia', 'Emilia-Romagna'],
    ['emiliaromagna', 'Emilia-Romagna'],
    ['Romagna', 'Emilia-Romagna'],
    ['Trentino', 'Trentino-Alto Adige'],
    ['Trentino-Alto Adige/Südtirol', 'Trentino-Alto Adige'],
    ['Südtirol', 'Trentino-Alto Adige'],
    ['FVG', 'Friuli-Venezia Giulia'],
    ["Val d'Aosta", 'Valle d’Aosta'],
    ['Regione autonoma della Sardegna', 'Sardegna'],
    ['Puglie', 'Puglia'],
    ['Lazio, Italia', 'Lazio'],
  ])('%p is the region %s', (text, name) => {
    expect(italianRegionName(text)).toBe(name);
  });

  test('every name and code maps to itself', () => {
    for (const [code, name] of Object.entries(italianProvinces)) {
      expect(italianProvinceCode(code)).toBe(code);
      expect([code, 'SU']).toContain(italianProvinceCode(name));
    }
    for (const { code, name } of italianRegions) {
      expect([italianRegionName(code), italianRegionName(name)]).toEqual([name, name]);
    }
    expect(italianRegionName('07')).toBeUndefined();
  });
});
