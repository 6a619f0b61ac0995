import { tick } from 'svelte';
import type { FieldErrorCode, FieldErrorValues } from '../../src/contract/field-errors.js';
import { codePoints } from '../../src/contract/rules/texts.js';
import { faultInWords, fieldErrors, inWords, isProblem } from '../words/errors.js';

export interface FormFault {
  code: FieldErrorCode;
  values?: FieldErrorValues;
}

/** Checks of a field that need no answer of the service. */
export interface FieldRule {
  /** Name of the field for the reader, used in sentences. */
  name: string;
  required?: boolean;
  email?: boolean;
  /** Most characters. */
  most?: number;
  check?: (value: string) => FormFault | undefined;
}

/** Texts of a form with their errors: a field is checked when it is left, all of them before they are sent. */
export class Form<Name extends string> {
  values = $state({} as Record<Name, string>);
  errors = $state.raw<Partial<Record<Name, string>>>({});
  /** Sentence about the form as a whole. */
  problem = $state<string>();
  isBusy = $state(false);
  element = $state<HTMLFormElement>();

  constructor(
    values: Record<Name, string>,
    private readonly rules: () => Record<Name, FieldRule>,
  ) {
    this.values = values;
  }

  /** For `onfocusout` of the form: a field that was left empty before anything was typed is not blamed. */
  left = ({ target, relatedTarget }: FocusEvent): void => {
    const { name, value } = target as HTMLInputElement;
    const isWithinField =
      relatedTarget instanceof Element && (target as Element).parentElement?.contains(relatedTarget);
    if (!this.isField(name) || isWithinField) return;
    if (value === '' && !this.errors[name]) return;
    this.errors = { ...this.errors, [name]: this.fault(name) };
  };

  /** For `oninput` of the form: an error goes as soon as what is typed is right. */
  typed = ({ target }: Event): void => {
    const { name } = target as HTMLInputElement;
    if (this.isField(name) && this.errors[name] && !this.fault(name)) this.mend(name);
  };

  mend(name: Name): void {
    this.errors = { ...this.errors, [name]: undefined };
  }

  /** Checks fields, all of them unless some are named. @returns the first that is wrong */
  check(names = Object.keys(this.rules()) as Name[]): Name | undefined {
    this.problem = undefined;
    const found = names.map((name) => [name, this.fault(name)] as const);
    this.errors = { ...this.errors, ...(Object.fromEntries(found) as Partial<Record<Name, string>>) };
    const first = found.find(([, error]) => error)?.[0];
    if (first) void this.focusWrong();
    return first;
  }

  /** Takes over a refusal of the service. @returns the first field that it is about */
  refused(error: unknown): Name | undefined {
    const rules = this.rules();
    const names = Object.keys(rules) as Name[];
    const found: Partial<Record<string, string>> = fieldErrors(
      error,
      Object.fromEntries(names.map((name) => [name, rules[name].name])),
    );
    const about: [string, boolean][] = [
      ['username', isProblem(error, 'username_taken')],
      ['currentPassword', isProblem(error, 'password_wrong', 'password_required')],
      ['registrationCode', isProblem(error, 'registration_code_invalid')],
    ];
    for (const [name, isAbout] of about) if (isAbout && this.isField(name)) found[name] ??= inWords(error);
    const known = names.filter((name) => found[name]);
    this.errors = Object.fromEntries(known.map((name) => [name, found[name]])) as Partial<Record<Name, string>>;
    const others = Object.keys(found).filter((name) => !known.includes(name as Name));
    this.problem = known.length === 0 || others.length > 0 ? inWords(error) : undefined;
    if (known.length > 0) void this.focusWrong();
    return known[0];
  }

  /** Does something with the service once, and shows how it failed. @returns true when it was done */
  async send(work: () => Promise<void>): Promise<boolean> {
    if (this.isBusy) return false;
    this.isBusy = true;
    this.problem = undefined;
    try {
      await work();
      return true;
    } catch (error) {
      this.refused(error);
      return false;
    } finally {
      this.isBusy = false;
    }
  }

  private async focusWrong(): Promise<void> {
    await tick();
    this.element?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }

  private fault(name: Name): string | undefined {
    const rule = this.rules()[name];
    const fault = faultOf(this.values[name], rule);
    return fault && faultInWords(fault, rule.name);
  }

  private isField(name: string): name is Name {
    return name in this.rules();
  }
}

const probe = document.createElement('input');
probe.type = 'email';

function faultOf(value: string, { required, email, most, check }: FieldRule): FormFault | undefined {
  if (value.trim() === '') return required ? { code: 'required' } : undefined;
  if (most !== undefined && codePoints(value.trim()) > most) return { code: 'too_long', values: { limit: most } };
  if (email) {
    probe.value = value.trim();
    if (probe.validity.typeMismatch || !/\.[^.@\s]+$/.test(value.trim())) {
      return { code: 'is_email_address', values: { limit: most ?? 254 } };
    }
  }
  return check?.(value);
}
