/** The named people and businesses of the tests and the benches. */

export const shops = {
  bakery: {
    businessName: 'Forno Aurora',
    email: 'info@aurora.example',
    street: 'Via Roma',
    streetNumber: '12/A',
    postcode: '48018',
    city: 'Faenza',
    province: 'RA',
    country: 'IT',
    category: 'bakery',
    vatNumber: '01234567897',
    locale: 'it',
  },
  florist: {
    businessName: 'Fiori di Marta',
    email: 'marta@fiori.example',
    street: 'Corso Garibaldi',
    streetNumber: '3',
    postcode: '20121',
    city: 'Milano',
    province: 'MI',
    country: 'IT',
    category: 'flowers',
    vatNumber: '09876540395',
    locale: 'it',
  },
} as const;

export const people = {
  anna: { firstName: 'Anna', surname: 'Rossi', email: 'anna.rossi@mail.example' },
  bruno: {
    firstName: 'Bruno',
    surname: 'Bianchi',
    email: 'bruno@mail.example',
    region: 'Emilia-Romagna',
    province: 'RA',
  },
  carla: { firstName: 'Carla', surname: 'Verdi', email: 'carla@mail.example', region: 'Lombardia', province: 'MI' },
  osteria: {
    companyName: 'Osteria del Ponte',
    companyType: 'S.n.c.',
    email: 'osteria@mail.example',
    sector: 'Ristorazione',
  },
} as const;

export const password = 'tegame-7-lucertola';

/** The body with which a shop registers, accepting these policies. */
export function registrationOf(
  shop: keyof typeof shops,
  username: string,
  policies: readonly { id: string; purpose: string }[],
) {
  const consents = policies.map(({ id, purpose }) => ({ policyId: id, purpose }));
  return { ...shops[shop], username, password, consents };
}
