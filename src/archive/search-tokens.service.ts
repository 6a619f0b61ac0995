import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { BoundedCache } from '../platform/bounded-cache.js';
import type { Locale } from '../contract/common.js';
import { KeyGoneError } from '../platform/vault/keyring.js';
import { Vault } from '../platform/vault/vault.js';
import { SearchKeys } from './search-keys.service.js';
import { type Word, Words } from './words.js';

/** Words as they are written, whose stems are remembered, of all subscribers together. */
const wordsRemembered = 50_000;
/** Tokens that are remembered, of all subscribers together. */
const tokensRemembered = 200_000;
/** Search keys by which remembered tokens are found. */
const keysNumbered = 10_000;

/** The meaning of a token: a stem in a text, a stem in a file's name, or a fact for filtering searches. */
export type TokenKind = 'word' | 'file name' | 'conversation' | 'author' | 'has' | 'broadcast';

/**
 * Turns search terms of a subscriber's messages into numbers under its search key. 32 bits are enough, because every candidate
 * is decrypted and compared before it is returned.
 */
export interface SubscriberTokens {
  words: Words;
  wordsOf(text: string): Word[];
  token(kind: TokenKind, value: string): number;
  /** The tokens of terms that are in the index. */
  ofTerms(kind: 'word' | 'file name', terms: Iterable<string>): number[];
  /** Tokens under the key before, while some entries still have them. */
  before?: SubscriberTokens;
}

@Injectable()
export class SearchTokens {
  private readonly known = new Map<Locale, BoundedCache<string, Pick<Word, 'folded' | 'term'>>>();
  /** Under the number of their key and the term: one cache for all, because making one for a subscriber costs more than it saves. */
  private readonly remembered = new BoundedCache<string, number>(tokensRemembered);
  /** Numbers that are much shorter than the keys' names, and are never given again. */
  private readonly numbers = new BoundedCache<string, number>(keysNumbered);
  private lastNumber = 0;
  /** The language of a subscriber never changes. */
  private readonly languages = new BoundedCache<string, Locale>(10_000);

  constructor(
    private readonly database: DataSource,
    private readonly keys: SearchKeys,
    private readonly vault: Vault,
  ) {}

  /** @throws KeyGoneError when the subscriber is gone */
  async of(subscriberId: string): Promise<SubscriberTokens> {
    const { number, renewing } = await this.keys.of(subscriberId);
    const tokens = await this.underKey(subscriberId, number);
    return renewing ? { ...tokens, before: await this.underKey(subscriberId, number - 1) } : tokens;
  }

  private async underKey(subscriberId: string, number: number): Promise<SubscriberTokens> {
    const hash = await this.vault.searchHash({ scope: 'subscriber', id: subscriberId }, number);
    const language = this.languages.get(subscriberId) ?? (await this.lookUp(subscriberId));
    const words = Words.in(language);
    const known = this.knownIn(language);
    const prefix = this.numberOf(`${subscriberId} ${number}`);
    const token = (kind: TokenKind, value: string): number => {
      const term = `${kind}\0${value}`;
      const named = `${prefix} ${term}`;
      let found = this.remembered.get(named);
      if (found === undefined) this.remembered.set(named, (found = hash(term).readInt32BE(0)));
      return found;
    };
    return {
      words,
      token,
      wordsOf: (text) => words.of(text, known),
      ofTerms: (kind, terms) => {
        const found: number[] = [];
        for (const term of terms) if (!words.isCommon(term)) found.push(token(kind, term));
        return found;
      },
    };
  }

  private numberOf(key: string): number {
    let number = this.numbers.get(key);
    if (number === undefined) this.numbers.set(key, (number = ++this.lastNumber));
    return number;
  }

  private knownIn(language: Locale): BoundedCache<string, Pick<Word, 'folded' | 'term'>> {
    let known = this.known.get(language);
    if (!known) this.known.set(language, (known = new BoundedCache(wordsRemembered)));
    return known;
  }

  private async lookUp(subscriberId: string): Promise<Locale> {
    const [row] = await this.database.query<{ locale: Locale }[]>(
      'SELECT locale FROM subscriber WHERE subscriber_id = $1',
      [subscriberId],
    );
    if (!row) throw new KeyGoneError(`the subscriber ${subscriberId} is gone`);
    this.languages.set(subscriberId, row.locale);
    return row.locale;
  }
}
