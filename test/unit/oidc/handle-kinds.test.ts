import { expect } from 'chai';
import { isOfAnotherKind, withKind } from '#oidc/handle-kinds.ts';
import { tagIn, tagOf, withTag, hashOf } from '#store/handles.ts';

const RANDOM = 'x'.repeat(43);

describe('oidc/handle-kinds', () => {
  it('tells a token of another kind without looking it up', () => {
    const token = withKind('AccessToken', RANDOM);
    expect(isOfAnotherKind('AccessToken', token)).to.equal(false);
    expect(isOfAnotherKind('RefreshToken', token)).to.equal(true);
    expect(isOfAnotherKind('ClientCredentials', token)).to.equal(true);
  });

  it('has every kind look for a handle without a letter', () => {
    expect(isOfAnotherKind('AccessToken', RANDOM)).to.equal(false);
    expect(isOfAnotherKind('RefreshToken', RANDOM)).to.equal(false);
  });

  it('leaves the tag of the grant readable', () => {
    const token = withKind('AccessToken', withTag('grant-1', RANDOM));
    expect(tagIn(token)).to.equal(tagOf(hashOf('grant-1')));
  });
});
