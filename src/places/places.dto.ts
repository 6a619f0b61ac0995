import { Equals } from 'class-validator';
import type * as wire from '../contract/index.js';
import { Optional } from '../platform/validation/fields.js';

export class ListPlaces {
  /** ISO 3166-1; only Italy has lists. Elsewhere regions and provinces are free text. */
  @Optional()
  @Equals('IT', { message: 'Only Italy (IT) has lists of regions and provinces. Elsewhere they are free text.' })
  country: string = 'IT';
}

export class RegionView implements wire.RegionView {
  /** ISO 3166-2, such as IT-45. */
  code: string;
  /** As in `region` of contacts. */
  name: string;
}

export class RegionList implements wire.RegionList {
  /** Sorted by name. */
  items: RegionView[];
}

export class ProvinceView implements wire.ProvinceView {
  /** Two letters, such as MO, as in `province` of contacts. */
  code: string;
  name: string;
  /** The name of its region. */
  region: string;
}

export class ProvinceList implements wire.ProvinceList {
  /** Sorted by name. */
  items: ProvinceView[];
}
