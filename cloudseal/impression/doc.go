// Package impression draws the pictures of seals to the standard, cleans
// pictures that people upload, and says how well two pictures agree. It owns
// the kinds of seals and what each looks like; who may have one, and the seal
// data around the picture, belong to others.
//
// Sizes and layouts follow 国发〔1999〕25号 (round, five-pointed star, name
// from left to right around it, simplified Song), the practice of seal
// engravers (40 or 42 mm, border 1.0 to 1.2 mm) and, for the invoice seal,
// Announcement 2011 No. 7 of the State Taxation Administration (ellipse 40 by
// 30 mm). Pictures are pure red, 255 0 0, on a transparent ground.
//
// One path, in micrometres, becomes both the PNG (600 dots per inch) and the
// SVG, so the two can never differ.
package impression

//go:generate font/make.sh
