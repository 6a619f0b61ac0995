import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Public } from '../auth/session.guard.js';
import { merchantCategories } from './merchant-categories.js';
import { countries } from './postal-address.js';
import { InLocale, NamedCodes } from './subscribers.dto.js';

@ApiTags('subscribers')
@Controller()
export class SubscribersController {
  /** The merchant categories a subscriber chooses from. */
  @Public()
  @Get('merchant-categories')
  merchantCategories(@Query() { locale }: InLocale): NamedCodes {
    return { items: merchantCategories(locale) };
  }

  /** The countries (ISO 3166-1 alpha-2) a subscriber chooses from. */
  @Public()
  @Get('countries')
  countries(@Query() { locale }: InLocale): NamedCodes {
    return { items: countries(locale) };
  }
}
