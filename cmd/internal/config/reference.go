package config

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
)

//go:embed config.go
var source string

// Reference renders the configuration reference as Markdown from the comments
// of the struct: key, default, meaning. README holds its output, and a test
// keeps the two equal.
func Reference() (string, error) {
	docs, err := comments()
	if err != nil {
		return "", err
	}
	defaults := Default()
	var b strings.Builder
	b.WriteString("| key | default | meaning |\n|---|---|---|\n")
	document(&b, docs, reflect.ValueOf(defaults), "")
	return b.String(), nil
}

func document(b *strings.Builder, docs map[string]string, v reflect.Value, path string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		key := strings.TrimPrefix(path+"."+f.Tag.Get("toml"), ".")
		if f.Type.Kind() == reflect.Struct {
			document(b, docs, v.Field(i), key)
			continue
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", key, shown(v.Field(i)), docs[v.Type().Name()+"."+f.Name])
	}
}

func shown(v reflect.Value) string {
	text := fmt.Sprint(v.Interface())
	if text == "" || text == "[]" {
		return ""
	}
	return "`" + text + "`"
}

// comments gives the comment of each field, by struct and field name.
func comments() (map[string]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	docs := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if st, ok := spec.Type.(*ast.StructType); ok {
			for _, f := range st.Fields.List {
				docs[spec.Name.Name+"."+f.Names[0].Name] = strings.Join(strings.Fields(f.Doc.Text()), " ")
			}
		}
		return false
	})
	return docs, nil
}
