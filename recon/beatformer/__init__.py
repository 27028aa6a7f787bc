"""beatformer: transformers on heartbeat words, HeartLang and CLEAR, from any leads."""

from recon.beatformer.clear import Clear
from recon.beatformer.encoder import Beatformer, leads_given
from recon.beatformer.heartlang import HeartLang
from recon.beatformer.hug import Hug, Pool
from recon.beatformer.masks import conduction, everyone
from recon.beatformer.vocabulary import Usage, Vocabulary
from recon.beatformer.words import Sentence, sentences

__all__ = [
    "Beatformer",
    "Clear",
    "HeartLang",
    "Hug",
    "Pool",
    "Sentence",
    "Usage",
    "Vocabulary",
    "conduction",
    "everyone",
    "leads_given",
    "sentences",
]
