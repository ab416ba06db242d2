// Package keys keeps the seal keys and is the signer: the only place where a
// seal key is ever open. It takes evidence and documents, never a bare hash,
// checks everything again by itself, and answers signatures. It owns no
// person, ticket or document, and believes its caller nothing that is not
// signed; it has a store of its own.
//
// # What is signed, and when
//
// [Signer.Sign] follows protocol.md §2.8:
//
//  1. the approval statement: canonical, for a stamp, approved, ours, fresh,
//     its nonce never seen (approval.go)
//  2. who signed it: the enrolled device, the authority's word on it, and the
//     power behind it: a delegation, or the representation itself (chain.go);
//     the second person's approval where one is asked for (second.go)
//  3. what is stamped: seal, and each document from its bytes, in one pass
//     (jobs.go)
//  4. one transaction: the approval is spent, every stop it depends on is
//     read and really written, and the complete TBS_Sign of every document is
//     fixed in the journal (journal.go). This is the published commit point:
//     a revocation that was written before it wins, one after it does not.
//  5. per document: unwrap, d·G against the certificate, sign, parse and
//     verify what came out by another code path, store, return, destroy
//     (finish.go)
//
// From step 4 on nothing but these very bytes can ever be signed for the
// ticket; a retry finds the journal and only finishes it, and a stored
// signature is returned as it is. [Signer.Refuse] is the other end: a
// tombstone after which no signature can come.
//
// # Trust
//
// Every row carries a MAC under the signer's own key (table.go): a row that
// was changed, or moved to another id, is an error, not data. A MAC does not
// show that a row was removed or put back as it once was; that the store is
// the signer's alone (its own file or database user) keeps that away. Keys are
// wrapped twice (envelope.go) and open for the time of one signature.
package keys
