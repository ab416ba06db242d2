package main

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"strings"

	"yunzhang.dev/qrflow/qr"
)

// maxDrawing bounds a code drawn in a terminal: version 10 has 65 by 33
// characters of three bytes.
const maxDrawing = 64 << 10

// pixel is how many pixels of the picture stand for a module.
const pixel = 4

// readDrawing reads a code that was drawn with half blocks (qr.Code.Text), for a
// dark or a light ground.
func readDrawing(text string) (string, error) {
	rows := modules(text)
	if len(rows) == 0 {
		return "", errors.New("there is no code in the text")
	}
	var found string
	var err error
	for _, ink := range []color.Gray{{255}, {0}} {
		var b bytes.Buffer
		if err = png.Encode(&b, picture(rows, ink)); err != nil {
			return "", err
		}
		if found, err = qr.Read(b.Bytes()); err == nil {
			return found, nil
		}
	}
	return "", err
}

// modules takes the characters apart, two modules each: true is inked.
func modules(text string) (rows [][]bool) {
	for line := range strings.Lines(text) {
		var upper, lower []bool
		for _, r := range strings.TrimRight(line, "\r\n") {
			upper = append(upper, r == '▀' || r == '█')
			lower = append(lower, r == '▄' || r == '█')
		}
		if strings.ContainsAny(line, "▀▄█") {
			rows = append(rows, upper, lower)
		}
	}
	return rows
}

func picture(rows [][]bool, ink color.Gray) image.Image {
	width := 0
	for _, row := range rows {
		width = max(width, len(row))
	}
	img := image.NewGray(image.Rect(0, 0, width*pixel, len(rows)*pixel))
	for y := range img.Rect.Dy() {
		row := rows[y/pixel]
		for x := range img.Rect.Dx() {
			c := color.Gray{255 - ink.Y}
			if x/pixel < len(row) && row[x/pixel] {
				c = ink
			}
			img.SetGray(x, y, c)
		}
	}
	return img
}
