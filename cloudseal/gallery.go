package cloudseal

import (
	"fmt"
	"sync"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/pdf"
	"yunzhang.dev/cloudseal/ses"
)

// maxGallery bounds the gallery: at some 100 KiB a seal, about 25 MiB.
const maxGallery = 256

// gallery keeps the data of seals that were used lately, by their hash. They
// never change, and each stamp needs them decrypted, with their picture unpacked.
type gallery struct {
	mu    sync.Mutex
	seals map[gm.Digest]*exhibit
}

// exhibit is the data of one seal.
type exhibit struct {
	der     []byte
	picture func() (pdf.Picture, error)
}

func newGallery() *gallery { return &gallery{seals: map[gm.Digest]*exhibit{}} }

func newExhibit(der []byte) *exhibit {
	return &exhibit{der, sync.OnceValues(func() (pdf.Picture, error) {
		data, err := ses.ParseSeal(der)
		if err != nil {
			return pdf.Picture{}, err
		}
		return pictureOf(data).Drawn()
	})}
}

func (g *gallery) find(hash gm.Digest) *exhibit {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seals[hash]
}

// hang adds a seal. In a full gallery it takes the place of any other one.
func (g *gallery) hang(hash gm.Digest, e *exhibit) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for other := range g.seals {
		if len(g.seals) < maxGallery {
			break
		}
		delete(g.seals, other)
	}
	g.seals[hash] = e
}

// exhibit gives the data of a seal in its present version.
func (s *Service) exhibit(tx unit.Tx, seal *Seal) (*exhibit, error) {
	if e := s.gallery.find(seal.Hash); e != nil {
		return e, nil
	}
	cert, err := s.t.Certificates.Get(tx, seal.Serial)
	if err != nil {
		return nil, fmt.Errorf("certificate of seal %s: %w", seal.ID, err)
	}
	e := newExhibit(cert.SealDER)
	if gm.SM3(e.der) != seal.Hash {
		return nil, fmt.Errorf("seal %s: its data are not those of its hash", seal.ID)
	}
	s.gallery.hang(seal.Hash, e)
	return e, nil
}
