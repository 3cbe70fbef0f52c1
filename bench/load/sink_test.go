package main

import (
	"encoding/binary"
	"strings"
	"sync/atomic"
	"testing"
)

func TestEventsAreCountedHoweverTheyAreSplit(t *testing.T) {
	text := "data: {\"a\":1}\n\nevent: x\ndata: {\"b\":2}\n\ndata: d\n\ndata: [DONE]\n\n"
	want := int64(strings.Count(text, "data:"))
	for size := 1; size <= len(text); size++ {
		s := sink{kind: 's', total: &atomic.Int64{}}
		for at := 0; at < len(text); at += size {
			s.feed([]byte(text[at:min(len(text), at+size)]))
		}
		if s.events != want || s.total.Load() != want || !s.ended {
			t.Errorf("pieces of %d: %d events of %d, ended %v", size, s.events, want, s.ended)
		}
	}
}

func TestEnvelopesAreCountedHoweverTheyAreSplit(t *testing.T) {
	text := envelope(0, "one") + envelope(0, "") + envelope(0, "three") + envelope(0x80, "grpc-status: 0\r\n")
	for size := 1; size <= len(text); size++ {
		s := sink{kind: 'c', total: &atomic.Int64{}}
		for at := 0; at < len(text); at += size {
			s.feed([]byte(text[at:min(len(text), at+size)]))
		}
		if s.events != 3 || !s.ended || s.bad != "" {
			t.Errorf("pieces of %d: %d events, ended %v, bad %q", size, s.events, s.ended, s.bad)
		}
	}
}

func TestAnErrorAtTheEndIsOne(t *testing.T) {
	for flags, said := range map[byte]string{0x80: "grpc-status: 14\r\n", 2: `{"error":{"code":"unavailable"}}`} {
		s := sink{kind: 'c', total: &atomic.Int64{}}
		s.feed([]byte(envelope(flags, said)))
		if s.bad == "" {
			t.Errorf("%q is no error", said)
		}
	}
}

func envelope(flags byte, message string) string {
	b := append([]byte{flags}, binary.BigEndian.AppendUint32(nil, uint32(len(message)))...)
	return string(b) + message
}
