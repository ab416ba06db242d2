package qr

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

const (
	// MaxPicture bounds the bytes of a picture to read.
	MaxPicture = 8 << 20
	// MaxPixels bounds its size once unpacked: a full camera picture, 64 MiB in
	// memory. A PNG of a few bytes can claim more.
	MaxPixels = 16 << 20
)

// ErrNone says that no QR code was found in a picture.
var ErrNone = errors.New("qr: no code found in the picture")

// Read finds the QR code in a PNG picture and gives its text.
func Read(picture []byte) (string, error) {
	if len(picture) > MaxPicture {
		return "", fmt.Errorf("qr: picture has more than %d bytes", MaxPicture)
	}
	head, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return "", fmt.Errorf("read picture: %w", err)
	}
	if head.Width <= 0 || head.Height <= 0 || head.Width > MaxPixels/head.Height {
		return "", fmt.Errorf("qr: picture has more than %d pixels", MaxPixels)
	}
	img, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return "", fmt.Errorf("read picture: %w", err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", fmt.Errorf("read picture: %w", err)
	}
	return decode(bitmap)
}

// decode tries the reading for photographs first and that for drawn codes second.
func decode(bitmap *gozxing.BinaryBitmap) (string, error) {
	for _, hint := range []gozxing.DecodeHintType{gozxing.DecodeHintType_TRY_HARDER, gozxing.DecodeHintType_PURE_BARCODE} {
		result, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{hint: true})
		if err == nil {
			return result.GetText(), nil
		}
	}
	return "", ErrNone
}
