import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Public } from '../auth/session.guard.js';
import { italianProvinces } from '../subscribers/postal-address.js';
import { italianRegions } from './italy.js';
import { ListPlaces, ProvinceList, RegionList } from './places.dto.js';

const { compare } = new Intl.Collator('it');

const regions: RegionList = {
  items: italianRegions.map(({ code, name }) => ({ code, name })).sort((a, b) => compare(a.name, b.name)),
};

const provinces: ProvinceList = {
  items: italianRegions
    .flatMap(({ name: region, provinces: codes }) =>
      codes.map((code) => ({ code, name: italianProvinces[code]!, region })),
    )
    .sort((a, b) => compare(a.name, b.name)),
};

@ApiTags('places')
@Controller()
export class PlacesController {
  /** The regions of Italy. */
  @Public()
  @Get('regions')
  regions(@Query() _: ListPlaces): RegionList {
    return regions;
  }

  /** The provinces and metropolitan cities of Italy, with their regions. */
  @Public()
  @Get('provinces')
  provinces(@Query() _: ListPlaces): ProvinceList {
    return provinces;
  }
}
