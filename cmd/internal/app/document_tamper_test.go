package app_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"yunzhang.dev/cloudseal/ses"
	"yunzhang.dev/cloudseal/verify"
)

// everyByte, set to anything, makes every position of Contents cost a whole
// verdict in the document that is looked at most closely: two minutes.
const everyByte = "YUNZHANG_EVERY_BYTE"

// How many positions get a whole verdict in that document. The others get fewer
// by the factor brief.
const (
	someCovered   = 1000 / slower
	someStructure = 8192 / slower              // digits around the picture: all there are
	somePicture   = 1500 / slower              // see everyPictureByte
	somePadding   = 20_000 / (slower * slower) // all there are; few under the race detector
	someTail      = tail / slower
	tail          = 2 << 10 // the end of the file
	ends          = 64      // positions at both ends of the padding, in all documents
	brief         = 10
)

// change is one byte of the file, changed.
type change struct {
	at  int
	xor byte
}

// noChangePasses changes one byte at a time: the verdict is never genuine.
func noChangePasses(t *testing.T, one paper, closely bool) {
	cut := cutOut(t, one.stamped)
	trust := trustOf(t, one.bundle)
	picture := pictureIn(t, cut)
	share := func(n int) int {
		if closely {
			return n
		}
		return n / brief
	}
	contents := share
	if closely && os.Getenv(everyByte) != "" {
		contents = func(int) int { return len(one.stamped) }
	}
	value := cut.digits[0] + 2*len(cut.der)
	size := len(one.stamped)
	for _, part := range []struct {
		name      string
		positions []int
	}{
		{"covered", some(share(someCovered), positions(0, cut.covered[1], cut.covered[2], size))},
		{"byte range", positions(cut.array[0]-1, cut.array[1]+1)},
		{"structure", some(contents(someStructure), positions(cut.digits[0]-1, picture[0], picture[1], value))},
		{"picture", some(contents(somePicture), positions(picture[0], picture[1]))},
		{"padding", some(contents(somePadding), positions(value, cut.digits[1]+1))},
		{"ends of the padding", positions(value, value+ends, cut.digits[1]-ends, cut.digits[1]+1)},
		{"tail", some(share(someTail), positions(size-tail, size))},
	} {
		changes := disturb(one.stamped, part.positions)
		counts := tally(t, one.stamped, trust, changes)
		t.Logf("%s: %d changes: %v", part.name, len(changes), counts)
	}
	if closely {
		everyPictureByte(t, cut, picture)
	}
}

// positions lists what lies in some stretches, given by their ends.
func positions(ends ...int) (list []int) {
	for i := 0; i < len(ends); i += 2 {
		for at := ends[i]; at < ends[i+1]; at++ {
			list = append(list, at)
		}
	}
	return list
}

// some takes n positions at random, all of them when there are no more.
func some(n int, of []int) []int {
	rand.Shuffle(len(of), func(i, k int) { of[i], of[k] = of[k], of[i] })
	return of[:min(n, len(of))]
}

const lowerDigits = "0123456789abcdef"

// disturb chooses a change for each position. Every other digit becomes another
// digit, which is harder to see than what is none.
func disturb(file []byte, at []int) []change {
	list := make([]change, 0, len(at))
	for _, pos := range at {
		c := change{pos, byte(1 + rand.IntN(255))}
		if digit := strings.IndexByte(lowerDigits, file[pos]); digit >= 0 && rand.IntN(2) == 0 {
			c.xor = file[pos] ^ lowerDigits[(digit+1+rand.IntN(15))%16]
		}
		list = append(list, c)
	}
	return list
}

// tally verifies the file with each change and counts the verdicts.
func tally(t *testing.T, file []byte, trust verify.Trust, changes []change) map[verify.Verdict]int {
	t.Helper()
	counts := map[verify.Verdict]int{}
	var mu sync.Mutex
	shared(changes, func(mine []change) {
		copied := bytes.Clone(file)
		for _, c := range mine {
			copied[c.at] ^= c.xor
			v, err := verdictOn(copied, trust)
			copied[c.at] ^= c.xor
			mu.Lock()
			counts[v]++
			mu.Unlock()
			if err != nil || v == verify.Genuine || v == verify.UnknownIssuer {
				t.Errorf("byte %d xor %#02x: %s, %v", c.at, c.xor, v, err)
			}
		}
	})
	if v, err := verdictOn(file, trust); err != nil || v != verify.Genuine {
		t.Errorf("unchanged it is %s, %v", v, err)
	}
	return counts
}

// shared spreads work over the processors.
func shared[T any](all []T, do func(mine []T)) {
	var wg sync.WaitGroup
	n := runtime.GOMAXPROCS(0)
	for i := range n {
		wg.Go(func() { do(all[i*len(all)/n : (i+1)*len(all)/n]) })
	}
	wg.Wait()
}

// verdictOn makes an error of a panic.
func verdictOn(file []byte, trust verify.Trust) (v verify.Verdict, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return verify.Document(file, trust).Verdict, nil
}

// pictureIn gives where in the file the digits of the seal's picture stand: they
// are most of the signature and nothing but covered bytes.
func pictureIn(t *testing.T, c cutting) [2]int {
	t.Helper()
	data := pictureData(t, c.der)
	at := bytes.Index(c.der, data)
	return [2]int{c.digits[0] + 2*at, c.digits[0] + 2*(at+len(data))}
}

// pictureData walks to SES_ESPictureInfo.data (GB/T 38540 §6.2).
func pictureData(t *testing.T, der []byte) []byte {
	t.Helper()
	for _, i := range []int{0, 1, 0, 3} { // TBS_Sign, eseal, eSealInfo, picture
		der = elements(t, der)[i].FullBytes
	}
	data := elements(t, der)[1]
	if data.Tag != asn1.TagOctetString || len(data.Bytes) < 1000 {
		t.Fatalf("no picture: tag %d, %d bytes", data.Tag, len(data.Bytes))
	}
	return data.Bytes
}

// everyPictureByte changes every byte of the picture and asks the one check that
// the verdict cannot be genuine without: the signature over TBS_Sign. A whole
// verdict for each of them would take minutes; somePicture of them get it.
func everyPictureByte(t *testing.T, c cutting, picture [2]int) {
	t.Helper()
	from, to := (picture[0]-c.digits[0])/2, (picture[1]-c.digits[0])/2
	all := some((to-from)/slower, positions(from, to))
	shared(all, func(mine []int) {
		der := bytes.Clone(c.der)
		for _, at := range mine {
			xor := byte(1 + rand.IntN(255))
			der[at] ^= xor
			if sig, err := ses.ParseSignature(der); err == nil && sig.CheckSigner() == nil {
				t.Errorf("byte %d of the DER xor %#02x: %s verifies", at, xor, hex.EncodeToString(der[at:at+1]))
			}
			der[at] ^= xor
		}
	})
	t.Logf("picture: %d bytes of the DER changed one at a time, the signature never verified", len(all))
}
