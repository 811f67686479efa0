// What the programs of Go's drivers say of what they find.
package main

import (
	"errors"
	"fmt"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func same(got, wanted interface{}) {
	if got != wanted {
		panic(fmt.Sprintf("not %v but %v", wanted, got))
	}
}

// The SQLSTATE of what the server has said, or the words of another error.
func state(err error) string {
	var said interface{ SQLState() string }
	if errors.As(err, &said) {
		return said.SQLState()
	}
	return fmt.Sprint(err)
}
