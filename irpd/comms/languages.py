"""The words that fill the protocol's templates, in each language that messages come in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from irpd.model.level import Level
from irpd.model.notice import News
from irpd.model.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """``{}`` in a text is filled. ``marks`` are what stands between thousands, and before fractions;
    ``time`` how an instant is written: day, month, year, clock, zone."""

    severity: Mapping[Level, str]
    status: Mapping[Stage, str]
    news: Mapping[News, str]
    none: str  # no workaround, no estimate
    unknown: str  # a cause that nobody has named
    in_report: str  # the same where a report follows
    not_named: str  # what resolved it
    users_unknown: str
    share: str  # of users: share
    counts: str  # affected of users
    affected: str  # a number of users alone
    about: str
    and_more: str
    as_needed: str
    soon: str  # an update that is overdue
    drill: str
    minutes: str
    hours: str
    days: tuple[str, str]
    marks: tuple[str, str]
    time: str
    several: str
    built_in: str  # the heading of the text of last resort

    def number(self, value: int) -> str:
        return f"{value:,}".replace(",", self.marks[0])

    def percent(self, shown: str) -> str:
        """``2.5 %`` as it is written here."""
        return shown.replace(".", self.marks[1])

    def instant(self, local: datetime, zone: str) -> str:
        """``24 Nov 2026, 03:52 (Europe/Berlin)``."""
        return self.time.format(
            day=local.day, month=_MONTHS[local.month - 1], d=f"{local:%d}", m=f"{local:%m}", year=local.year,
            clock=f"{local:%H:%M}", zone=zone,
        )  # fmt: skip

    def span(self, seconds: float) -> str:
        """A length of time in the two units that matter: days and hours, or hours and minutes."""
        minutes = max(0, round(Fraction(seconds) / 60))
        hours, minutes = divmod(minutes, 60)
        days, hours = divmod(hours, 24)
        parts = [
            f"{days} {self.days[days != 1]}" if days else "",
            f"{hours} {self.hours}" if hours else "",
            f"{minutes} {self.minutes}" if minutes and not days else "",
        ]
        return " ".join(part for part in parts if part) or f"0 {self.minutes}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _levels(*words: str) -> Mapping[Level, str]:
    return dict(zip(Level, words, strict=True))


def _stages(
    investigation: str, containment: str, resolution: str, recovery: str, over: str
) -> Mapping[Stage, str]:
    """Before it is investigated it is about to be: the protocol's first message says so."""
    return {
        Stage.DETECTION: investigation,
        Stage.TRIAGE: investigation,
        Stage.INVESTIGATION: investigation,
        Stage.CONTAINMENT: containment,
        Stage.RESOLUTION: resolution,
        Stage.RECOVERY: recovery,
        Stage.POST_INCIDENT: over,
    }


WORDS: Mapping[str, Words] = {
    "en": Words(
        severity=_levels("CRITICAL", "HIGH", "MEDIUM", "LOW"),
        status=_stages(
            "Investigation in progress", "Containment in progress", "Resolution in progress",
            "Recovery in progress", "Resolved",
        ),
        news={
            News.REOPENED: "It was reported as resolved and has come back; work on it goes on",
            News.EXTENDED: "It takes longer than its resolution target; updates come more often from now on",
            News.ABSORBED: "{} is handled as part of this incident from now on",
            News.BY_ITSELF: "The signals that reported it have ended",
        },
        none="None available at this time",
        unknown="Not known yet",
        in_report="Not known yet; it will be in the post-incident report",
        not_named="Normal operation was restored",
        users_unknown="how many users are affected is not known yet",
        share="{} of users",
        counts="{} of {}",
        affected="{} users",
        about="about",
        and_more="and {} more",
        as_needed="As needed",
        soon="As soon as there is news",
        drill="DRILL",
        minutes="min",
        hours="h",
        days=("day", "days"),
        marks=(",", "."),
        time="{day} {month} {year}, {clock} ({zone})",
        several="{} incidents",
        built_in="[INCIDENT {}] - {}",
    ),
    "de": Words(
        severity=_levels("KRITISCH", "HOCH", "MITTEL", "NIEDRIG"),
        status=_stages(
            "Untersuchung läuft", "Eindämmung läuft", "Behebung läuft", "Wiederherstellung läuft", "Behoben"
        ),
        news={
            News.REOPENED: "War als behoben gemeldet und ist wieder aufgetreten; wir arbeiten daran",
            News.EXTENDED: "Die Behebung dauert länger als vorgesehen; es wird ab jetzt öfter berichtet",
            News.ABSORBED: "{} wird ab jetzt als Teil dieses Vorfalls bearbeitet",
            News.BY_ITSELF: "Die Signale, die ihn gemeldet haben, sind beendet",
        },
        none="Zurzeit nicht verfügbar",
        unknown="Noch nicht bekannt",
        in_report="Noch nicht bekannt; sie wird im Bericht stehen",
        not_named="Der normale Betrieb ist wiederhergestellt",
        users_unknown="wie viele Nutzer betroffen sind, ist noch nicht bekannt",
        share="{} der Nutzer",
        counts="{} von {}",
        affected="{} Nutzer",
        about="etwa",
        and_more="und {} weitere",
        as_needed="Nach Bedarf",
        soon="Sobald es Neues gibt",
        drill="ÜBUNG",
        minutes="Min.",
        hours="Std.",
        days=("Tag", "Tage"),
        marks=(".", ","),
        time="{d}.{m}.{year}, {clock} Uhr ({zone})",
        several="{} Vorfälle",
        built_in="[VORFALL {}] - {}",
    ),
    "fr": Words(
        severity=_levels("CRITIQUE", "ÉLEVÉ", "MOYEN", "FAIBLE"),
        status=_stages(
            "Analyse en cours", "Confinement en cours", "Résolution en cours", "Rétablissement en cours",
            "Résolu",
        ),
        news={
            News.REOPENED: "L'incident signalé comme résolu est réapparu ; le travail reprend",
            News.EXTENDED: "La résolution dépasse son objectif ; les nouvelles seront plus fréquentes",
            News.ABSORBED: "{} est désormais traité dans le cadre de cet incident",
            News.BY_ITSELF: "Les signaux qui l'ont révélé ont pris fin",
        },
        none="Aucun à l'heure actuelle",
        unknown="Pas encore connue",
        in_report="Pas encore connue ; elle figurera dans le rapport",
        not_named="Le fonctionnement normal est rétabli",
        users_unknown="le nombre d'utilisateurs touchés n'est pas encore connu",
        share="{} des utilisateurs",
        counts="{} sur {}",
        affected="{} utilisateurs",
        about="environ",
        and_more="et {} autres",
        as_needed="Selon les besoins",
        soon="Dès qu'il y aura du nouveau",
        drill="EXERCICE",
        minutes="min",
        hours="h",
        days=("jour", "jours"),
        marks=("\u202f", ","),
        time="{d}/{m}/{year}, {clock} ({zone})",
        several="{} incidents",
        built_in="[INCIDENT {}] - {}",
    ),
    "es": Words(
        severity=_levels("CRÍTICO", "ALTO", "MEDIO", "BAJO"),
        status=_stages(
            "Investigación en curso", "Contención en curso", "Resolución en curso", "Recuperación en curso",
            "Resuelto",
        ),
        news={
            News.REOPENED: "Se comunicó como resuelto y ha vuelto a producirse; se sigue trabajando en él",
            News.EXTENDED: "La resolución supera su objetivo; se informará con más frecuencia",
            News.ABSORBED: "{} se trata desde ahora como parte de este incidente",
            News.BY_ITSELF: "Las señales que lo comunicaron han terminado",
        },
        none="No disponible por el momento",
        unknown="Aún no se conoce",
        in_report="Aún no se conoce; figurará en el informe",
        not_named="Se ha restablecido el funcionamiento normal",
        users_unknown="aún no se sabe cuántos usuarios están afectados",
        share="{} de los usuarios",
        counts="{} de {}",
        affected="{} usuarios",
        about="alrededor del",
        and_more="y {} más",
        as_needed="Según sea necesario",
        soon="En cuanto haya novedades",
        drill="SIMULACRO",
        minutes="min",
        hours="h",
        days=("día", "días"),
        marks=(".", ","),
        time="{d}/{m}/{year}, {clock} ({zone})",
        several="{} incidentes",
        built_in="[INCIDENTE {}] - {}",
    ),
}  # fmt: skip


def words_of(language: str) -> Words:
    """English where a language isn't known: a journal may name one that this irpd doesn't have."""
    return WORDS.get(language, WORDS["en"])
