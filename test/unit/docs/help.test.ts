import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { documentsZhCN } from '#i18n/documents.zh-CN.ts';

const FILE = new URL('../../../docs/help.zh-CN.md', import.meta.url);

describe('docs/help.zh-CN.md', () => {
  it('says what the page /help says', () => {
    const document = readFileSync(FILE, 'utf8');
    const paragraphs = Object.entries(documentsZhCN)
      .filter(([key]) => /^help\..*\.(?:heading|text)$/.test(key))
      .flatMap(([, text]) => text.split('\n'))
      .map((text) => text.replaceAll('{phone}', documentsZhCN['document.phone_unnamed']))
      .map((text) => text.replaceAll('{operator}', documentsZhCN['document.operator_unnamed']));
    expect(paragraphs).to.have.length.above(10);
    for (const paragraph of paragraphs) expect(document).to.include(paragraph);
  });
});
