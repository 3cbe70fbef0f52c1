package main

import (
	"bytes"
	"encoding/binary"
	"sync/atomic"
	"time"
)

// Streams that have begun and not ended, of all workers.
var openStreams atomic.Int64

// sink counts the events of an answer over the pieces in which it arrives.
type sink struct {
	kind   byte // u unary, s server-sent events, c enveloped
	total  *atomic.Int64
	events int64
	first  int64 // when the first event came, Unix nanoseconds
	ended  bool  // with the mark of a whole stream
	bad    string
	open   bool
	seam   []byte // the end of the last piece: a mark may be split over two
	hdr    [5]byte
	nh     int
	left   uint32
	endbuf []byte // what an enveloped stream says at its end
}

func (s *sink) reset() {
	s.close()
	*s = sink{kind: s.kind, total: s.total, seam: s.seam[:0], endbuf: s.endbuf[:0]}
}

func (s *sink) close() {
	if s.open {
		openStreams.Add(-1)
		s.open = false
	}
}

func (s *sink) feed(b []byte) {
	before := s.events
	switch s.kind {
	case 's':
		s.feedLines(b)
	case 'c':
		s.feedEnvelopes(b)
	}
	if s.events == before {
		return
	}
	s.total.Add(s.events - before)
	if before == 0 {
		s.first = time.Now().UnixNano()
		s.open = true
		openStreams.Add(1)
	}
}

const longestMark = 32

var marks = [][]byte{[]byte("[DONE]"), []byte("message_stop"), []byte(`"finishReason":"STOP"`)}

func (s *sink) feedLines(b []byte) {
	event := []byte("data:")
	s.events += int64(bytes.Count(b, event))
	// Of the last piece only as much as can be part of a mark that ends in this one.
	kept := len(s.seam)
	s.seam = append(s.seam, b...)
	seam := s.seam[max(0, kept-len(event)+1):min(len(s.seam), kept+len(event)-1)]
	s.events += int64(bytes.Count(seam, event))
	if len(b) < len(event) && kept > 0 {
		// The piece is shorter than the name: what the window holds may lie in the piece alone, counted above already.
		s.events -= int64(bytes.Count(s.seam[kept:], event))
	}
	for _, mark := range marks {
		if bytes.Contains(s.seam, mark) {
			s.ended = true
		}
	}
	if k := len(s.seam); k > longestMark {
		s.seam = append(s.seam[:0], s.seam[k-longestMark:]...)
	}
}

func (s *sink) feedEnvelopes(b []byte) {
	for len(b) > 0 {
		if s.nh < 5 {
			m := copy(s.hdr[s.nh:], b)
			s.nh += m
			b = b[m:]
			if s.nh < 5 {
				return
			}
			s.left = binary.BigEndian.Uint32(s.hdr[1:])
		}
		m := min(int(s.left), len(b))
		isEnd := s.hdr[0]&0x82 != 0 // the end of a Connect stream, or gRPC-Web's trailers
		if isEnd {
			s.endbuf = append(s.endbuf, b[:m]...)
		}
		s.left -= uint32(m)
		b = b[m:]
		if s.left > 0 {
			continue
		}
		s.nh = 0
		if isEnd {
			s.end()
		} else {
			s.events++
		}
	}
}

func (s *sink) end() {
	s.ended = true
	said := bytes.ToLower(s.endbuf)
	isTrailers := s.hdr[0]&0x80 != 0
	good := bytes.Contains(said, []byte("grpc-status: 0")) || bytes.Contains(said, []byte("grpc-status:0"))
	if isTrailers && !good || !isTrailers && bytes.Contains(said, []byte(`"error"`)) {
		s.bad = string(s.endbuf)
	}
}
