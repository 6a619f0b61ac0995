import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { DataSource } from 'typeorm';
import type { Locale } from '../contract/common.js';
import { KeyGoneError } from '../platform/vault/keyring.js';
import { Vault } from '../platform/vault/vault.js';
import { SearchKeys } from './search-keys.service.js';
import { type Word, Words } from './words.js';

/** Words as they are written, whose stems are remembered, of all subscribers together. */
const wordsRemembered = 50_000;
/** Subscribers whose tokens are remembered, and the tokens of each: enough for the words that make up most of what they write. */
const subscribersRemembered = 40;
const tokensRemembered = 5_000;

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
  private readonly known = new Map<Locale, LRUCache<string, Pick<Word, 'folded' | 'term'>>>();
  private readonly remembered = new LRUCache<string, LRUCache<string, number>>({ max: subscribersRemembered });
  /** The language of a subscriber never changes. */
  private readonly languages = new LRUCache<string, Locale>({ max: 10_000 });

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
    const key = `${subscriberId} ${number}`;
    let tokens = this.remembered.get(key);
    if (!tokens) this.remembered.set(key, (tokens = new LRUCache({ max: tokensRemembered })));
    const token = (kind: TokenKind, value: string): number => {
      // The words of texts come by the thousand; facts have their kind before them.
      const named = kind === 'word' ? value : `${kind}\0${value}`;
      let found = tokens.get(named);
      if (found === undefined) tokens.set(named, (found = hash(`${kind}\0${value}`).readInt32BE(0)));
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

  private knownIn(language: Locale): LRUCache<string, Pick<Word, 'folded' | 'term'>> {
    let known = this.known.get(language);
    if (!known) this.known.set(language, (known = new LRUCache({ max: wordsRemembered })));
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
