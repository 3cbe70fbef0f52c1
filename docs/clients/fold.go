// Package fold turns the events of StreamChat into the ChatResponse that Chat would have returned.
// Shared vectors: proto/testdata/fold.json.
package fold

import (
	"errors"
	"sort"

	"google.golang.org/protobuf/proto"

	tl "trunkline.dev/gen/trunkline/v1"
)

// ErrCut says that the stream ended without `completed`: it failed, whatever its status says.
var ErrCut = errors.New("the stream ended before it was complete")

// Fold collects events; its zero value is ready to use.
type Fold struct {
	answer  tl.ChatResponse
	choices map[int32]*tl.Choice
	done    bool
}

// Response returns the whole answer, or ErrCut.
func (f *Fold) Response() (*tl.ChatResponse, error) {
	if !f.done {
		return nil, ErrCut
	}
	f.answer.Choices = nil
	for _, choice := range f.choices {
		f.answer.Choices = append(f.answer.Choices, choice)
	}
	sort.Slice(f.answer.Choices, func(i, j int) bool { return f.answer.Choices[i].Index < f.answer.Choices[j].Index })
	return &f.answer, nil
}

// Push adds one event.
func (f *Fold) Push(event *tl.StreamChatResponse) {
	a := &f.answer
	switch e := event.Event.(type) {
	case nil, *tl.StreamChatResponse_Heartbeat:
	case *tl.StreamChatResponse_Started:
		a.Id, a.Model, a.Created, a.ServedBy = e.Started.Id, e.Started.Model, e.Started.Created, e.Started.ServedBy
	case *tl.StreamChatResponse_Usage:
		a.Usage = e.Usage
	case *tl.StreamChatResponse_Notice:
		a.Notices = append(a.Notices, e.Notice)
	case *tl.StreamChatResponse_Moderation:
		a.Moderation = append(a.Moderation, e.Moderation)
	case *tl.StreamChatResponse_Completed:
		f.done = true
		a.ServiceTier, a.ProviderData = e.Completed.ServiceTier, e.Completed.ProviderData
		if e.Completed.Usage != nil {
			a.Usage = e.Completed.Usage
		}
		if e.Completed.ServedBy != nil {
			a.ServedBy = e.Completed.ServedBy
		}
		if len(e.Completed.Moderation) > 0 {
			a.Moderation = e.Completed.Moderation
		}
	default:
		f.pushChoice(event)
	}
}

func (f *Fold) pushChoice(event *tl.StreamChatResponse) {
	if f.choices == nil {
		f.choices = map[int32]*tl.Choice{}
	}
	c := f.choices[event.Choice]
	if c == nil {
		c = &tl.Choice{Index: event.Choice, Message: &tl.ChatMessage{Role: tl.Role_ROLE_ASSISTANT}}
		f.choices[event.Choice] = c
	}
	c.Logprobs = append(c.Logprobs, event.Logprobs...)
	if e, ok := event.Event.(*tl.StreamChatResponse_Finished); ok {
		c.FinishReason, c.NativeFinishReason = e.Finished.Reason, e.Finished.Native
		c.FinishMessage, c.StopSequence = e.Finished.Message, e.Finished.StopSequence
		c.SafetyRatings = e.Finished.SafetyRatings
		return
	}
	for len(c.Message.Parts) <= int(event.Part) {
		c.Message.Parts = append(c.Message.Parts, &tl.Part{})
	}
	pushPart(c.Message.Parts[event.Part], event)
}

func pushPart(p *tl.Part, event *tl.StreamChatResponse) {
	switch e := event.Event.(type) {
	case *tl.StreamChatResponse_TextDelta:
		p.Kind = &tl.Part_Text{Text: p.GetText() + e.TextDelta}
	case *tl.StreamChatResponse_ReasoningDelta:
		p.GetReasoning().Text += e.ReasoningDelta
	case *tl.StreamChatResponse_RefusalDelta:
		p.GetRefusal().Text += e.RefusalDelta
	case *tl.StreamChatResponse_ArgumentsDelta:
		p.GetToolCall().Arguments += e.ArgumentsDelta
	case *tl.StreamChatResponse_TranscriptDelta:
		p.GetAudio().Transcript = proto.String(p.GetAudio().GetTranscript() + e.TranscriptDelta)
	case *tl.StreamChatResponse_MediaDelta:
		media := p.GetImage().GetMedia()
		if media == nil {
			media = p.GetAudio().GetMedia()
		}
		media.Source = &tl.Media_Data{Data: append(media.GetData(), e.MediaDelta...)}
	case *tl.StreamChatResponse_Annotation:
		p.Annotations = append(p.Annotations, e.Annotation)
	case *tl.StreamChatResponse_PartStarted:
		proto.Merge(p, e.PartStarted.Part)
	case *tl.StreamChatResponse_PartFinished:
		if e.PartFinished.Proof != nil {
			p.Proof = e.PartFinished.Proof
		}
		if e.PartFinished.Status != "" {
			p.Status = e.PartFinished.Status
		}
		if e.PartFinished.MediaType != "" && p.GetAudio().GetMedia() != nil {
			p.GetAudio().Media.MediaType = e.PartFinished.MediaType
		}
	}
}
