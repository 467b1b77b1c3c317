"""How answers reach the citizen other than in writing: by a call of the station, and on the loudspeakers."""
