// SPDX-License-Identifier: Apache-2.0

package action

import (
	"context"
	"io"
)

// reader fails when the context has ended.
type reader struct {
	ctx context.Context
	io.Reader
}

// Read implements io.Reader.
func (r reader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.Reader.Read(p)
}

// writer fails when the context has ended.
type writer struct {
	ctx context.Context
	io.Writer
}

// Write implements io.Writer.
func (w writer) Write(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	return w.Writer.Write(p)
}
