// Flights that were found for a trip, ranked, with why; one of them can be taken.

import type { RankedFlight, Trip } from "../contract";
import { t } from "../i18n";
import { selectFlight } from "../person";
import { useChat, useFeed } from "./context";
import { Icon } from "./icons";
import { money, timeOf, when } from "./time";

/** The trip that a tool's result names. */
export function FlightsCard({ result }: { result: Record<string, unknown> | undefined }) {
  const trips = useFeed((state) => state.trips);
  const named = [result?.tripId, result?.id, result?.workflowId];
  const trip = Object.values(trips).find((one) => named.includes(one.id) || named.includes(one.workflowId));
  return trip ? <TripCard trip={trip} /> : null;
}

export function TripCard({ trip }: { trip: Trip }) {
  return (
    <section className="trip" aria-label={t("trip", { place: trip.destination })}>
      <header>
        <Icon name="plane" size={18} />
        <strong>{t("trip", { place: trip.destination })}</strong>
        <span className="soft">{when(trip.departureDate)}</span>
        <span className="grow" />
        <span className="chip">{t(`trip_${trip.status}`)}</span>
      </header>
      <ul>
        {trip.rankedFlights.slice(0, 5).map((flight) => (
          <Flight key={flight.flightId} trip={trip} flight={flight} />
        ))}
      </ul>
      {trip.confirmation && <p className="hint">{t("tripConfirmation", { code: trip.confirmation })}</p>}
      {trip.problem && <p className="hint">{trip.problem}</p>}
    </section>
  );
}

function Flight({ trip, flight }: { trip: Trip; flight: RankedFlight }) {
  const chat = useChat();
  const chosen = trip.selectedFlightId === flight.flightId;
  const settled = trip.status === "booked" || trip.status === "selected";
  return (
    <li className={chosen ? "flight chosen" : "flight"}>
      <span className="rank" aria-label={t("rank", { rank: flight.rank })}>
        {flight.rank}
      </span>
      <span className="flight-text">
        <strong>
          {timeOf(flight.departure)} – {timeOf(flight.arrival)} · {flight.airline}
        </strong>
        <small>{flight.reasoning}</small>
      </span>
      <span className="price">{money(flight.price.amount, flight.price.currency)}</span>
      {chosen ? (
        <span className="chip">{t("chosen")}</span>
      ) : (
        <button type="button" className="button small" disabled={settled} onClick={() => void selectFlight(chat, trip, flight.flightId)}>
          {t("choose")}
        </button>
      )}
    </li>
  );
}
