// Package gm is the one narrow face on the national algorithms: SM2 signatures
// (GB/T 32918.2), SM3 (GB/T 32905), SM4 in GCM mode (GB/T 32907) and HMAC-SM3.
//
// It owns how they are called, so that no caller can call them wrongly: a
// signature is always over a message and always with the user id
// 1234567812345678; a signature value is always strict DER unless the method
// says raw; a private key never prints itself; every sealed value has its own
// nonce. It is the only package that touches the library's private keys. It
// knows nothing of certificates (cloudseal/ca), of seals (cloudseal/ses) and of
// where keys are kept (cloudseal/keys).
//
// Values of this package may be used from several goroutines at once, except
// that Destroy must come after the last use of a key.
package gm
