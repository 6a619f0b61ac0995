// Files that the people of the demo send each other. They are made here, so that no picture of anybody's is in the repository.

import sharp from 'sharp';

const loaf = (x, y, turn) =>
  `<g transform="translate(${x} ${y}) rotate(${turn})"><ellipse rx="150" ry="82" fill="#a9662b"/><ellipse rx="140" ry="70" cy="-8" fill="#c98742"/>
   <path d="M-80 -40q20 40 0 70M-20 -55q20 50 0 90M40 -52q20 50 0 90" stroke="#f3dcb4" stroke-width="9" fill="none" stroke-linecap="round"/></g>`;

const cake = `<svg xmlns="http://www.w3.org/2000/svg" width="1600" height="1200">
  <defs><linearGradient id="wall" x2="0" y2="1"><stop stop-color="#fbe6d4"/><stop offset="1" stop-color="#f4c9a8"/></linearGradient></defs>
  <rect width="1600" height="1200" fill="url(#wall)"/><rect y="900" width="1600" height="300" fill="#8c5a3c"/>
  <ellipse cx="800" cy="930" rx="520" ry="90" fill="#f7f3ee"/><rect x="400" y="560" width="800" height="340" rx="40" fill="#5b3320"/>
  <path d="M400 620q50 90 100 0t100 0 100 0 100 0 100 0 100 0 100 0 100 0v-60q0-40-40-40H440q-40 0-40 40z" fill="#fff4f0"/>
  ${Array.from({ length: 8 }, (_, i) => `<g transform="translate(${485 + i * 90} 400)"><rect x="-10" width="20" height="130" fill="${['#e0533d', '#2f8f83', '#f2b134'][i % 3]}"/><path d="M0 -60q30 45 0 60q-30 -15 0 -60z" fill="#ffb52e"/></g>`).join('')}
  ${Array.from({ length: 14 }, (_, i) => `<circle cx="${450 + i * 54}" cy="${760 + (i % 2) * 60}" r="16" fill="#e0533d"/>`).join('')}
</svg>`;

const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="900" height="1200">
  <rect width="900" height="1200" fill="#fffdf6"/>
  <path d="M270 640q-220 -190 -200 20q40 150 210 90M630 640q220 -190 200 20q-40 150 -210 90" fill="#bfe3ff" stroke="#3b7dd8" stroke-width="12"/>
  <ellipse cx="450" cy="740" rx="190" ry="240" fill="#fff" stroke="#222" stroke-width="12"/><circle cx="450" cy="380" r="150" fill="#ffd9b8" stroke="#222" stroke-width="12"/>
  <path d="M330 270q120 -190 240 0z" fill="#fff" stroke="#222" stroke-width="12"/><circle cx="400" cy="370" r="14"/><circle cx="500" cy="370" r="14"/>
  <path d="M390 440q60 50 120 0" stroke="#222" stroke-width="12" fill="none"/><path d="M380 970v130M520 970v130" stroke="#222" stroke-width="16"/>
  <circle cx="780" cy="140" r="90" fill="#ffc928"/>
</svg>`;

const closed = `<svg xmlns="http://www.w3.org/2000/svg" width="1400" height="1000">
  <rect width="1400" height="1000" fill="#123c3a"/><circle cx="1120" cy="240" r="130" fill="#f6e7b4"/><circle cx="1075" cy="205" r="120" fill="#123c3a"/>
  ${Array.from({ length: 40 }, (_, i) => `<circle cx="${(i * 397) % 1400}" cy="${(i * 211) % 480}" r="${2 + (i % 3)}" fill="#fff8dc"/>`).join('')}
  <path d="M0 760q350 -160 700 -40t700 -60v340H0z" fill="#0b2625"/>${loaf(420, 640, -8)}${loaf(760, 690, 6)}${loaf(590, 560, -2)}
</svg>`;

/** A PDF of one page, with lines of Helvetica. */
function pdf(lines) {
  const quoted = (line) => line.replace(/[\\()]/g, '\\$&');
  const drawn = lines
    .map((line, i) => `BT /F1 ${i === 0 ? 22 : 13} Tf 60 ${760 - i * 30} Td (${quoted(line)}) Tj ET`)
    .join('\n');
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources << /Font << /F1 4 0 R >> >> >>',
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
    `<< /Length ${drawn.length} >>\nstream\n${drawn}\nendstream`,
  ];
  let written = '%PDF-1.4\n';
  const places = objects.map((object, i) => {
    const place = written.length;
    written += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(place).padStart(10, '0')} 00000 n \n`;
  });
  written += `xref\n0 6\n0000000000 65535 f \n${places.join('')}trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n${written.length}\n%%EOF\n`;
  return Buffer.from(written, 'latin1');
}

const samplesPerSecond = 16_000;

/** A hummed tune as WAV, one note after another. */
function hum(notes) {
  const each = samplesPerSecond / 2;
  const samples = Buffer.alloc(notes.length * each * 2);
  notes.forEach((pitch, note) => {
    for (let at = 0; at < each; at++) {
      const swell = Math.sin((Math.PI * at) / each);
      const wave = Math.sin((2 * Math.PI * pitch * at) / samplesPerSecond);
      samples.writeInt16LE(Math.round(9_000 * swell * wave), (note * each + at) * 2);
    }
  });
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + samples.length, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(samplesPerSecond, 24);
  header.writeUInt32LE(samplesPerSecond * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples]);
}

const tune = [392, 440, 392, 330, 392, 440, 392, 330];
const quote = [
  'Forno Pasticceria Zia Ermelinda',
  'Preventivo per 120 persone, 18 dicembre',
  'Aperitivo salato: focaccia, pizzette, grissini, gnocco fritto',
  'Buffet di dolci: mignon, crostate, torta di riso',
  'Allestimento e ritiro dei vassoi compresi',
  'Totale: 1.560,00 euro, IVA 10% compresa',
];

/** Names, fields of the upload beside the file, and bytes. */
export const demoFiles = {
  cake: {
    name: 'torta-otto-anni.jpg',
    fields: {},
    make: () => sharp(Buffer.from(cake)).jpeg({ quality: 85 }).toBuffer(),
  },
  drawing: { name: 'walter-con-le-ali.png', fields: {}, make: () => sharp(Buffer.from(drawing)).png().toBuffer() },
  closed: {
    name: 'chiusi-lunedì.jpg',
    fields: {},
    make: () => sharp(Buffer.from(closed)).jpeg({ quality: 85 }).toBuffer(),
  },
  quote: { name: 'preventivo-120-persone.pdf', fields: {}, make: () => pdf(quote) },
  voice: {
    name: 'messaggio-vocale.wav',
    fields: { waveform: JSON.stringify(tune.flatMap(() => [5, 45, 80, 45, 5])) },
    make: () => hum(tune),
  },
};
