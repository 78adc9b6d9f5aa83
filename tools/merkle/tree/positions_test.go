// SPDX-License-Identifier: Apache-2.0

package tree

import (
	"bytes"
	"maps"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	modhashpb "rules_modhash/proto"
)

func TestPositionsRoundTrip(t *testing.T) {
	for _, want := range []map[string]uint32{
		{},
		{"kernel/a.ko": 0},
		{"kernel/a.ko": 7, "kernel/b.ko": 3, "updates/c.ko": 4294967295},
	} {
		data, err := EncodePositions(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodePositions(data)
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
}

func TestDecodePositionsErrors(t *testing.T) {
	at := func(path string, position uint32) *modhashpb.ModulePosition {
		return &modhashpb.ModulePosition{InstallPath: path, Position: position}
	}
	unknown := at("a.ko", 0)
	unknown.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 9, protowire.VarintType), 1))
	for _, test := range []struct {
		name    string
		entries []*modhashpb.ModulePosition
		want    string
	}{
		{"twice", []*modhashpb.ModulePosition{at("a.ko", 0), at("a.ko", 1)}, `position 1 of ModulePositions: install path "a.ko" is listed already`},
		{"one place", []*modhashpb.ModulePosition{at("a.ko", 3), at("b.ko", 3)}, "position 1 of ModulePositions: 3 follows 3, want ascending ones"},
		{"no path", []*modhashpb.ModulePosition{at("", 0)}, `position 0 of ModulePositions: install path "" is empty`},
		{"unknown field", []*modhashpb.ModulePosition{unknown}, "position 0 of ModulePositions: has unknown fields"},
	} {
		t.Run(test.name, func(t *testing.T) {
			data, err := proto.Marshal(&modhashpb.ModulePositions{Positions: test.entries})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := DecodePositions(data); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got error %v, want %q", err, test.want)
			}
		})
	}
	if _, err := DecodePositions([]byte{0xff}); err == nil || !strings.HasPrefix(err.Error(), "decoding modhash.v1.ModulePositions: ") {
		t.Errorf("got error %v, want that it cannot be decoded", err)
	}
}

// FuzzDecodePositions checks that what is accepted is written back with the same bytes, or is not how we
// would have written it.
func FuzzDecodePositions(f *testing.F) {
	data, err := EncodePositions(map[string]uint32{"kernel/a.ko": 7, "kernel/b.ko": 3})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		positions, err := DecodePositions(data)
		if err != nil {
			return
		}
		once, err := EncodePositions(positions)
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodePositions(once)
		if err != nil || !maps.Equal(again, positions) {
			t.Errorf("got %v, %v after a round trip, want %v", again, err, positions)
		}
		if twice, err := EncodePositions(again); err != nil || !bytes.Equal(once, twice) {
			t.Errorf("written twice, bytes differ: %x, %x, %v", once, twice, err)
		}
	})
}
