package cos_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"yunzhang.dev/cloudseal/pdf/internal/cos"
)

func TestValues(t *testing.T) {
	t.Parallel()
	rows := map[string]any{
		"true": true, " false ": false, "null": nil, "%c\nnull": nil,
		"0": int64(0), "+7": int64(7), "-12": int64(-12), "007": int64(7),
		"1.5": 1.5, "-.5": -.5, "4.": 4.0, "+0.25": .25,
		"/Name": cos.Name("Name"), "/": cos.Name(""), "/A#20B": cos.Name("A B"), "/A/B": cos.Name("A"),
		"5 0 R": cos.Ref{Num: 5}, "5 1 R]": cos.Ref{Num: 5, Gen: 1}, "5 %x\n0\rR": cos.Ref{Num: 5},
		"99999999999999999999": 1e20,
		"5 0 Rx":               int64(5), "5 0": int64(5), "5 R": int64(5), "-5 0 R": int64(-5),
	}
	for text, want := range rows {
		if got, err := cos.Value(text); err != nil || got != want {
			t.Errorf("%q: %v, %v; wanted %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", " ", "%", "]", ")", ">", "{", "[", "[1", "<<", "<< /A", "<< /A >>", "<< 1 2 >>", "<< /A 1 > >", "<12", "(", "(()", "(\\)",
		"1.2.3", "--1", "1e5", "Inf", "+", ".", "-", "word", "[word]", "/A#", "/A#4", "/A#XY",
		"[500001 0 R]",
	} {
		if got, err := cos.Value(text); err == nil {
			t.Errorf("%q: %v, wanted an error", text, got)
		}
	}
}

func TestStrings(t *testing.T) {
	t.Parallel()
	rows := map[string]string{
		"()": "", "(a(b)c)": "a(b)c", `(\(\)\\)`: `()\`, `(\n\r\t\b\f)`: "\n\r\t\b\f", `(\101\7\1234)`: "A\aS4", `(\9)`: "9",
		"(a\\\nb)": "ab", "(a\\\r\nb)": "ab", "(a\\\rb)": "ab", "(a\r\nb\rc)": "a\nb\nc",
		"<>": "", "<41>": "A", "<4 1\n4>": "A@", "<aB>": "\xab", "<4g1>": "A",
	}
	for text, want := range rows {
		v, err := cos.Value(text)
		s, ok := v.(cos.String)
		if err != nil || !ok || string(s.Bytes()) != want || string(s.Raw) != text {
			t.Errorf("%q: %q, %v; wanted %q", text, s.Bytes(), err, want)
		}
	}
}

func TestEdits(t *testing.T) {
	t.Parallel()
	a := cos.Edit{Key: "A", Value: []byte("[9]")}
	rows := []struct{ before, after string }{
		{"<<>>", "<<\n/A [9]\n>>"},
		{"<</A(x)/B 2>>", "<</A [9]/B 2\n>>"},
		{"<</A 5 0 R>>", "<</A [9]\n>>"},
		{"<</B/C% c\n>>", "<</B/C% c\n\n/A [9]\n>>"},
		{"<</B<</A 1>>/#41 2>>", "<</B<</A 1>>/#41 [9]\n>>"},
		{"<</A 1/A 2>>", "<</A [9]/A [9]\n>>"},
	}
	for _, row := range rows {
		v, err := cos.Value(row.before)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(v.(*cos.Dict).Edited(a)); got != row.after {
			t.Errorf("%s: %q, wanted %q", row.before, got, row.after)
		}
	}
	v, _ := cos.Value("[1 % c\n]")
	if got := string(v.(*cos.Array).Appended([]byte("2 0 R"))); got != "[1 % c\n\n2 0 R]" {
		t.Errorf("array: %q", got)
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	rows := []struct {
		a, b string
		want bool
	}{
		{"1", "1", true}, {"1", "1.0", false}, {"/A", "/A", true}, {"(A)", "<41>", true}, {"(A)", "/A", false}, {"null", "1", false},
		{"[1 2]", "[1  2]", true}, {"[1 2]", "[1]", false}, {"[1]", "1", false}, {"1", "[1]", false}, {"5 0 R", "5 1 R", false},
		{"<</A 1/B 2>>", "<</B 2/A 1>>", true}, {"<</A 1>>", "<</A 1/B null>>", true}, {"<</A 1>>", "<</A 2>>", false},
		{"<</A 1>>", "<</A 1/B 2>>", false}, {"<</A 2/A 1>>", "<</A 1>>", false}, {"<</A [<</B (x)>>]>>", "<</A[<</B<78>>>]>>", true},
	}
	for _, row := range rows {
		a, err1 := cos.Value(row.a)
		b, err2 := cos.Value(row.b)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		if cos.Equal(a, b) != row.want || cos.Equal(b, a) != row.want {
			t.Errorf("%s and %s: wanted %v", row.a, row.b, row.want)
		}
	}
}

func TestTwice(t *testing.T) {
	t.Parallel()
	var many strings.Builder
	for i := range 30 {
		fmt.Fprintf(&many, "/K%d 1 ", i)
	}
	rows := map[string]cos.Name{
		"<<>>": "", "<</A 1/B 2>>": "", "<</A 1/#41 2>>": "A",
		"<<" + many.String() + ">>": "", "<<" + many.String() + "/K7 2>>": "K7",
	}
	for text, want := range rows {
		v, err := cos.Value(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := v.(*cos.Dict).Twice(); got != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}

func TestNestingIsBounded(t *testing.T) {
	t.Parallel()
	nest := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	if _, err := cos.Value(nest(cos.MaxDepth)); err != nil {
		t.Error(err)
	}
	for _, text := range []string{nest(cos.MaxDepth + 1), strings.Repeat("[", 1<<20), strings.Repeat("<</A", 1<<20)} {
		if _, err := cos.Value(text); !errors.Is(err, cos.ErrLimit) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestOperators(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	visit := func(op cos.Keyword, operands []any) { fmt.Fprintf(&got, "%s%d ", op, len(operands)) }
	err := cos.Operators([]byte("q 1 0 0 1 5 5 cm % c\n[(a) -3] TJ null true /X Do (x)' BI /W 1 ID \xff<<( EI"), visit)
	if want := "q0 cm6 TJ1 Do3 '1 "; err != nil || got.String() != want {
		t.Errorf("%q, %v; wanted %q", got.String(), err, want)
	}
	for _, bad := range []string{"(", "[", strings.Repeat("1 ", 100), strings.Repeat("q ", 200_000)} {
		if err := cos.Operators([]byte(bad), func(cos.Keyword, []any) {}); err == nil {
			t.Errorf("%.10q…: no error", bad)
		}
	}
}

// TestPredictors: each row filter of PNG, on rows of two pixels of two bytes.
func TestPredictors(t *testing.T) {
	t.Parallel()
	data := []byte{
		0, 1, 2, 3, 4, // as it is
		1, 1, 1, 1, 1, // left
		2, 1, 1, 1, 1, // above
		3, 0, 0, 4, 4, // mean of left and above
		4, 1, 1, 1, 1, // nearest of left, above, corner
	}
	want := []byte{1, 2, 3, 4, 1, 1, 2, 2, 2, 2, 3, 3, 1, 1, 6, 6, 2, 2, 7, 7}
	got, err := cos.Unpredict(data, 4, 2)
	if err != nil || string(got) != string(want) {
		t.Errorf("%v, %v; wanted %v", got, err, want)
	}
	for _, bad := range [][]byte{{5, 0, 0, 0, 0}, {0, 1, 2}} {
		if _, err := cos.Unpredict(bad, 4, 2); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}

// FuzzValue: what parses keeps its text, and takes an edit without harm to the
// rest.
func FuzzValue(f *testing.F) {
	for _, s := range []string{"<</A 1>>", "[1 0 R (x) <41> /N#20 -.5 null]", "<</A<</B[<<>>]>>%x\n/C 2>>", "(\\", "5 0 R"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := cos.Value(text)
		if err != nil {
			return
		}
		d, ok := v.(*cos.Dict)
		if !ok {
			return
		}
		if string(d.Edited()) != string(d.Src) {
			t.Fatalf("%q became %q", d.Src, d.Edited())
		}
		again, err := cos.Value(string(d.Edited(cos.Edit{Key: "New", Value: []byte("[7]")})))
		if err != nil {
			t.Fatalf("edited %q: %v", d.Src, err)
		}
		e := again.(*cos.Dict)
		for _, entry := range d.Entries {
			if entry.Key != "New" && !cos.Equal(d.Get(entry.Key), e.Get(entry.Key)) {
				t.Fatalf("%q lost %q", d.Src, entry.Key)
			}
		}
		if a, ok := e.Get("New").(*cos.Array); !ok || len(a.Items) != 1 {
			t.Fatalf("edited %q: no new value", d.Src)
		}
	})
}
