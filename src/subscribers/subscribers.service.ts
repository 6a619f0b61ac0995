import { Inject, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { type Config, CONFIG, consentAgeElsewhere } from '../platform/config.js';
import { DomainError, NotFound } from '../platform/problems/domain-error.js';
import type { PolicyIdentity } from '../policies/policies.service.js';
import { LogoError, reencodeLogo } from './logos.js';
import { countries } from './postal-address.js';
import { Subscriber, SubscriberLogo } from './subscriber.entity.js';

@Injectable()
export class Subscribers {
  constructor(
    @InjectRepository(Subscriber) private readonly subscribers: Repository<Subscriber>,
    @InjectRepository(SubscriberLogo) private readonly logos: Repository<SubscriberLogo>,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @throws NotFound */
  async get(id: string): Promise<Subscriber> {
    const subscriber = await this.subscribers.findOneBy({ id });
    if (!subscriber) throw new NotFound();
    return subscriber;
  }

  /** Age of digital consent where the subscriber is (Art. 8 GDPR). */
  digitalConsentAge({ country }: Subscriber): number {
    return this.config.digitalConsentAges[country] ?? consentAgeElsewhere;
  }

  /** Who the controller is, for the policies that a subscriber's interlocutors read. */
  identity(subscriber: Subscriber, locale: string): PolicyIdentity {
    const { businessName, email, street, streetNumber, postcode, city, province, country, vatNumber, taxCode } =
      subscriber;
    const place = province ? `${city} (${province})` : city;
    const countryName = countries(locale === 'it' ? 'it' : 'en').find(({ code }) => code === country)?.name ?? country;
    return {
      businessName,
      businessEmail: email,
      businessAddress: `${street} ${streetNumber}, ${postcode} ${place}, ${countryName}`,
      businessVatNumber: vatNumber ?? '',
      businessTaxCode: taxCode ?? '',
      digitalConsentAge: this.digitalConsentAge(subscriber),
    };
  }

  /** @throws DomainError `too_large`, `media_type_refused` or `logo_unreadable` */
  async setLogo(subscriberId: string, upload: Buffer): Promise<void> {
    const { bytes, mediaType } = await reencodeLogo(upload).catch((error: unknown) => {
      if (error instanceof LogoError) throw new DomainError(logoProblems[error.code], { detail: error.message });
      throw error;
    });
    await this.logos.save({ subscriberId, mediaType, bytes, updatedAt: new Date() });
  }

  async removeLogo(subscriberId: string): Promise<void> {
    await this.logos.delete({ subscriberId });
  }

  hasLogo(subscriberId: string): Promise<boolean> {
    return this.logos.existsBy({ subscriberId });
  }

  /** @throws NotFound when the subscriber has none */
  async logo(subscriberId: string): Promise<SubscriberLogo> {
    const logo = await this.logos.findOneBy({ subscriberId });
    if (!logo) throw new NotFound();
    return logo;
  }
}

const logoProblems = {
  logo_type: 'media_type_refused',
  logo_too_large: 'too_large',
  logo_unreadable: 'logo_unreadable',
} as const;
