import snowball from 'snowball-stemmers';
import type { Locale } from '../contract/common.js';
import { fold } from '../platform/folding.js';

/** A word and its position in a text. */
export interface Word {
  /** Offsets in UTF-16 code units. */
  start: number;
  end: number;
  /** The word without regard to case, accents and width, by which phrases are compared. */
  folded: string;
  /** Its stem, for searching. */
  term: string;
  /** An article or ending that an apostrophe ties to another word, such as the l of `l'olio`. */
  tied: boolean;
}

/** A word without its place: the same wherever it stands. */
type Known = Pick<Word, 'folded' | 'term'>;

/**
 * A run of letters and digits, with the marks and invisible characters within it; or a pictograph. This must not depend on the
 * version of a dictionary: if a later Node divided words differently, no index would match. So in scripts without spaces each
 * character is a word, and a search term is a phrase of them.
 */
const words = new RegExp(
  [
    String.raw`\p{Extended_Pictographic}`,
    String.raw`[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]\p{M}*`,
    String.raw`(?:(?![\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}])[\p{L}\p{N}][\p{M}\p{Default_Ignorable_Code_Point}]*)+`,
  ].join('|'),
  'gu',
);
/** The same for texts of Latin letters and digits alone, which are nearly all: it takes a fifth of the time. */
const latinWords =
  /[A-Za-z0-9\u00AA\u00B2\u00B3\u00B5\u00B9\u00BA\u00BC-\u00BE\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u024F]+/g;
/** Beyond Latin letters, punctuation and signs of currency, none of which is a word. */
const beyondLatin = /[^\u0000-\u00A8\u00AA-\u00AC\u00AF-\u024F\u2010-\u2027\u2030-\u2038\u2039\u203A\u20A0-\u20BF]/;

const apostrophes = "'\u2018\u2019\u02BC\u00B4\u0060\u2032";
/** Words that lose their last vowel before another word. */
const elided = new Set(
  'l un d c s m t v n dell all nell sull dall coll quell quest bell sant nessun qualcun ciascun com dov cos anch tutt mezz senz gl'.split(
    ' ',
  ),
);
/** Endings behind an apostrophe in English. */
const endings = new Set(['s', 't', 'd', 'm', 'll', 're', 've']);

const longestStemmed = 40;
const lettersOnly = /^[a-z\u00DF-\u024F]+$/;

const languages: Record<Locale, 'italian' | 'english'> = { it: 'italian', en: 'english' };

/** Divides texts of one language into words, and finds the stems by which they are found. */
export class Words {
  private readonly stemmer: { stem: (word: string) => string };
  private readonly common: ReadonlySet<string>;

  private constructor(language: Locale) {
    this.stemmer = snowball.newStemmer(languages[language]);
    this.common = new Set(commonWords[language].split(' ').map((word) => this.termOf(fold(word))));
  }

  private static readonly made = new Map<Locale, Words>();

  static in(language: Locale): Words {
    let those = Words.made.get(language);
    if (!those) Words.made.set(language, (those = new Words(language)));
    return those;
  }

  /**
   * The words of a text in their order.
   * @param known what is remembered of words as they are written, which spares most of the work
   */
  of(text: string, known?: { get(word: string): Known | undefined; set(word: string, known: Known): unknown }): Word[] {
    const found: Word[] = [];
    let before: Word | undefined;
    const pattern = beyondLatin.test(text) ? words : latinWords;
    pattern.lastIndex = 0;
    for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
      const [written] = match;
      let one = known?.get(written);
      if (!one) {
        one = this.understood(written);
        known?.set(written, one);
      }
      if (one.folded === '') continue;
      const word: Word = { ...one, start: match.index, end: match.index + written.length, tied: false };
      if (before?.end === word.start - 1 && apostrophes.includes(text[before.end]!)) {
        if (elided.has(before.folded)) before.tied = true;
        if (endings.has(word.folded)) word.tied = true;
      }
      found.push(word);
      before = word;
    }
    return found;
  }

  /**
   * Tells if a term is in so many texts that indexing it is pointless. Such terms are not indexed, because their frequency
   * would reveal them; they are looked for in the texts instead.
   */
  isCommon(term: string): boolean {
    return this.common.has(term);
  }

  private understood(written: string): Known {
    const folded = fold(written);
    return { folded, term: this.termOf(folded) };
  }

  /** Folded first, so that a query without accents finds the same. */
  private termOf(folded: string): string {
    if (folded.length < 3 || folded.length > longestStemmed || !lettersOnly.test(folded)) return folded;
    return this.stemmer.stem(folded);
  }
}

/** The commonest words, most of them without a meaning of their own. */
const commonWords: Record<Locale, string> = {
  it: `a ad al allo alla ai agli alle anche ancora avere ha ho hai hanno abbiamo avete c che chi ci ciò col come con cui d da dal
    dallo dalla dai dagli dalle dei del dello della degli delle di dove e è ed era essere fa gl gli ha i il in io l la le lei li lo
    loro lui m ma me mi mia mio n nei nel nello nella negli nelle no noi non nostra nostro o per perché più poi può quale quando
    quello quella quelli quelle questo questa questi queste qui s se sei si sì sia siamo siete solo sono sta su sua sul sullo sulla
    sui sulle suo t ti tra tu tua tuo tutti tutto un una uno v va vi voi vostra vostro`.replace(/\s+/g, ' '),
  en: `a about all am an and any are as at be been but by can could d did do does for from had has have he her here his how i if
    in into is it its just ll m me more my no not now of on one or our out re s she so some t than that the their them then there they this
    to up us ve was we were what when where which who will with would you your`.replace(/\s+/g, ' '),
};
