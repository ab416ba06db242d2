package gm

import (
	"bytes"
	"encoding/hex"
	"errors"

	"github.com/emmansun/gmsm/sm4"
)

// Known answers: GM/T 0003.5 Annex A (SM2 signature on the recommended curve),
// GB/T 32905 Annex A (SM3), GB/T 32907 Annex A (SM4).
const (
	answerScalar  = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
	answerPoint   = "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
	answerRS      = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
	answerMessage = "message digest"
	answerSM3     = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0" // of "abc"
	answerSM4Key  = "0123456789abcdeffedcba9876543210"                                 // key and plaintext
	answerSM4     = "681edf34d206965e86b3e94f536e4246"
)

// SelfTest runs the known answers and a few things that must fail. A server
// runs it before it serves; a program that fails it must not go on.
func SelfTest() error {
	steps := []struct {
		name string
		pass func() bool
	}{
		{"SM3", testSM3},
		{"SM4", testSM4},
		{"SM4-GCM", testSealing},
		{"SM2 verification", testVerification},
		{"SM2 signing", testSigning},
	}
	for _, s := range steps {
		if !s.pass() {
			return errors.New("gm: self test failed: " + s.name)
		}
	}
	return nil
}

func testSM3() bool {
	running := NewSM3()
	running.Write([]byte("a"))
	running.Sum(nil)
	running.Write([]byte("bc"))
	return SM3([]byte("abc")).Hex() == answerSM3 && hex.EncodeToString(running.Sum(nil)) == answerSM3
}

func testSM4() bool {
	key := unhex(answerSM4Key)
	block, err := sm4.NewCipher(key)
	if err != nil {
		return false
	}
	out := make([]byte, sm4.BlockSize)
	block.Encrypt(out, key)
	return hex.EncodeToString(out) == answerSM4
}

func testSealing() bool {
	key, text, place := unhex(answerSM4Key), []byte(answerMessage), []byte("place")
	sealed, err := Seal(key, text, place)
	if err != nil {
		return false
	}
	opened, err := Open(key, sealed, place)
	if err != nil || !bytes.Equal(opened, text) {
		return false
	}
	sealed[nonceSize] ^= 1
	_, err = Open(key, sealed, place)
	return err != nil
}

func testVerification() bool {
	public, err := ParsePoint(unhex(answerPoint))
	if err != nil {
		return false
	}
	message, rs := []byte(answerMessage), unhex(answerRS)
	if !public.VerifyRaw(message, rs) {
		return false
	}
	message[0] ^= 1
	if public.VerifyRaw(message, rs) {
		return false
	}
	message[0] ^= 1
	rs[0] ^= 1
	return !public.VerifyRaw(message, rs)
}

func testSigning() bool {
	key, err := PrivateKeyFromScalar(unhex(answerScalar))
	if err != nil || !bytes.Equal(key.Public().Point(), unhex(answerPoint)) {
		return false
	}
	defer key.Destroy()
	one, err1 := key.Sign([]byte(answerMessage))
	two, err2 := key.Sign([]byte(answerMessage))
	if err1 != nil || err2 != nil || bytes.Equal(one, two) {
		return false
	}
	return key.Public().Verify([]byte(answerMessage), one) && key.Public().Verify([]byte(answerMessage), two)
}

// unhex reads the constants above.
func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil
	}
	return b
}
